import t, { type Test } from 'tap'
import { openTestDatabase, sql } from '../../support/database.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { newEmail, newPerson } from '../../support/http/people.js'
import { openMailServer } from '../../support/mail/mail-server.js'
import { Client, goodPassword, openService } from '../../support/service.js'

const newPassword = 'another good password 27'

const database = await openTestDatabase(t, { kind: 'embedded' })
const mailServer = await openMailServer(t)
const app = await openService(t, database, mailServer.settings)
/** A second instance on the same database. */
const other = await openService(t, database, mailServer.settings)

const post = (url: string, payload: object, on = app, headers = {}) =>
  on.inject({ method: 'POST', url, payload, headers })
const forgot = (email: string) => post('/password/forgot', { email })
const reset = (token: string, password = newPassword, on = app) =>
  post('/password/reset', { token, new_password: password }, on)

/** A person who has asked for a new password, and the mail. */
async function forgetful() {
  const person = await newPerson(app)
  t.equal((await forgot(person.email)).statusCode, 202)
  return { person, mail: await mailServer.mailTo(person.email) }
}

async function loginStatus(email: string, password: string): Promise<number> {
  return (await post('/login', { email, password })).statusCode
}

t.test('a person sets a new password by the mailed link, and is signed out everywhere with the reason', async (t) => {
  const { person, mail } = await forgetful()
  t.equal(mail.link, `https://auth.test/account#reset=${mail.token}`)

  const response = await reset(mail.token)
  t.equal(response.statusCode, 204)
  t.equal(response.headers['set-cookie'], undefined, 'it starts no session')
  t.equal((await person.client.send('GET', '/me')).json().code, 'session_revoked')
  t.match((await person.client.send('POST', '/refresh')).json(), { code: 'session_ended', reason: 'password_reset' })
  t.match(await mailServer.mailTo(person.email, 1), { subject: 'Your password was reset' })
  t.equal(await loginStatus(person.email, goodPassword), 401)
  t.equal(await loginStatus(person.email, newPassword), 200)

  const client = new Client(app)
  await client.send('POST', '/login', { payload: { email: person.email, password: newPassword } })
  const { events } = (await client.send('GET', '/me/events')).json()
  const types = events.map(({ type }: { type: string }) => type)
  t.ok(types.includes('password_reset_requested') && types.includes('password_reset'))
})

t.test('forgot answers the same for an account, none, and what is no address', async (t) => {
  const { email } = await newPerson(app)
  const answers = await Promise.all([email, newEmail(), 'nobody', ''].map(forgot))
  for (const { statusCode, headers, body } of answers) {
    t.equal(statusCode, 202)
    t.equal(body, '{}')
    t.equal(headers['cache-control'], 'no-store')
  }
})

t.test('a used, damaged, invented or expired link, and one of another purpose, get one answer', async (t) => {
  const { mail } = await forgetful()
  const { mail: late } = await forgetful()
  const { mail: foreign } = await forgetful()
  await sql(database, `UPDATE one_time_link SET expires_at = now() WHERE address = $1`, late.to)
  await sql(database, `UPDATE one_time_link SET purpose = 'email_verification' WHERE address = $1`, foreign.to)
  await reset(mail.token)
  const tokens = [mail.token, late.token, foreign.token, `${mail.token.slice(0, -1)}`, 'lk_ot_', '', 'x'.repeat(200)]
  const answers = await Promise.all(tokens.map((token) => reset(token)))
  for (const answer of answers) {
    t.equal(answer.statusCode, 400)
    t.equal(answer.body, answers[0]?.body)
  }
  expectProblem(t, await reset('x'), 'invalid_or_expired_token', {
    detail: 'The link has been used, has expired or is not complete. Ask for a new one.'
  })
})

t.test('a refused password does not use the link up', async (t) => {
  const { person, mail } = await forgetful()
  expectProblem(t, await reset(mail.token, 'short'), 'password_too_short', {
    detail: 'A password has at least 15 characters.'
  })
  t.equal((await reset(mail.token, person.email)).json().code, 'password_too_common')
  t.equal((await reset(mail.token)).statusCode, 204)
})

t.test('a link is dead once the password was changed', async (t) => {
  const { person, mail } = await forgetful()
  const change = { current_password: goodPassword, new_password: newPassword }
  t.equal((await person.client.send('POST', '/password', { payload: change })).statusCode, 200)
  t.equal((await reset(mail.token, 'a third good password')).json().code, 'invalid_or_expired_token')
  t.equal(await loginStatus(person.email, newPassword), 200)
})

t.test('fifty uses of one link at once on two instances: one passes', async (t) => {
  const { person, mail } = await forgetful()
  const passwords = Array.from({ length: 50 }, (_, i) => `a good password, number ${i}`)
  const answers = await Promise.all(passwords.map((password, i) => reset(mail.token, password, i % 2 ? app : other)))
  const won = answers.flatMap(({ statusCode }, i) => (statusCode === 204 ? [passwords[i]] : []))
  t.equal(won.length, 1)
  for (const answer of answers) t.ok([204, 400, 503].includes(answer.statusCode), answer.body)
  t.equal(await loginStatus(person.email, String(won[0])), 200)
})

t.test('two resets at once by two links on two instances: one wins, the other link is dead', async (t) => {
  const { person, mail } = await forgetful()
  await forgot(person.email)
  const second = await mailServer.mailTo(person.email, 1)
  t.not(second.token, mail.token)
  const answers = await Promise.all([reset(mail.token), reset(second.token, 'a third good password', other)])
  t.same(answers.map(({ statusCode }) => statusCode).sort(), [204, 400])
})

t.test('no header of a request changes where a link leads', async (t) => {
  const { email } = await newPerson(app)
  const headers = {
    host: 'evil.example',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'http',
    forwarded: 'host=evil.example',
    origin: 'https://evil.example',
    referer: 'https://evil.example/'
  }
  await post('/password/forgot', { email }, app, headers)
  const mail = await mailServer.mailTo(email)
  t.match(mail.link, /^https:\/\/auth\.test\/account#reset=/)
  t.notMatch(mail.content, 'evil.example')
})

t.test('a scanner that opens the link uses nothing up, and the server never sees the token', async (t) => {
  const { mail } = await forgetful()
  const { pathname, hash } = new URL(mail.link)
  t.ok(hash.includes(mail.token), 'the token is in the fragment, which no client sends')
  for (const method of ['GET', 'HEAD'] as const) t.equal((await app.inject({ method, url: pathname })).statusCode, 200)
  for (const method of ['GET', 'HEAD'] as const) {
    const { statusCode } = await app.inject({ method, url: `/password/reset?token=${mail.token}` })
    t.ok(statusCode >= 400)
  }
  t.equal((await reset(mail.token)).statusCode, 204)
})

t.test('a mailed reset verifies the address, and forgives the wrong guesses of strangers', async (t) => {
  const { person, mail } = await forgetful()
  await reset(mail.token)
  const [row] = await sql<{ verified: boolean }>(
    database,
    'SELECT email_verified_at IS NOT NULL AS verified FROM "user" WHERE email = $1',
    person.email
  )
  t.equal(row?.verified, true)
})

t.test('an address gets three mails in half an hour, then none, with the same answer', async (t) => {
  const limited = await openService(t, database, { ...mailServer.settings, RATE_LIMIT_ENABLED: 'true' })
  const { email } = await newPerson(app)
  const spellings = [email, email.toUpperCase(), email, email, email.toUpperCase()]
  for (const spelling of spellings) {
    const answer = await post('/password/forgot', { email: spelling }, limited)
    t.equal(answer.statusCode, 202)
    t.equal(answer.body, '{}')
  }
  await mailServer.mailTo(email, 2)
  const outcomes = await sql<{ reason: string | null }>(
    database,
    `SELECT reason FROM event WHERE type = 'password_reset_requested' AND user_id = (SELECT id FROM "user" WHERE email = $1) ORDER BY id`,
    email
  )
  t.same(
    outcomes.map(({ reason }) => reason),
    [null, null, null, 'limited', 'limited']
  )
  t.equal(mailServer.received.filter(({ to }) => to === email).length, 3)
  const [row] = await sql<{ queued: number }>(
    database,
    `SELECT count(*)::int AS queued FROM mail WHERE recipient = $1 AND outcome IS DISTINCT FROM 'dropped'`,
    email
  )
  t.equal(row?.queued, 3)
})

t.test('one network can ask 30 times a minute', async (t) => {
  const limited = await openService(t, database, { ...mailServer.settings, RATE_LIMIT_ENABLED: 'true' })
  const answers = await Promise.all(
    Array.from({ length: 31 }, () => post('/password/forgot', { email: newEmail() }, limited))
  )
  t.equal(answers.filter(({ statusCode }) => statusCode === 429).length, 1)
})

t.test('a slow mail server delays no answer', async (t) => {
  mailServer.behaviour = 'hangs'
  t.teardown(() => {
    mailServer.behaviour = 'accepts'
  })
  const { email } = await newPerson(app)
  const before = mailServer.received.length
  for (let i = 0; i < 3; i += 1) t.equal((await forgot(email)).statusCode, 202)
  t.equal(mailServer.received.length, before, 'answered while no mail was accepted')
})

async function noMail(t: Test, settings: Record<string, string>) {
  const without = await openService(t, database, settings)
  expectProblem(t, await post('/password/forgot', { email: newEmail() }, without), 'mail_not_configured')
  t.equal((await without.inject('/features')).json().mail, false)
}

t.test('without a mail server, production and a public address answer mail_not_configured', async (t) => {
  await noMail(t, { HOST: '0.0.0.0' })
  await noMail(t, { NODE_ENV: 'production', BCRYPT_COST: '10' })
  t.equal((await app.inject('/features')).json().mail, true)
})
