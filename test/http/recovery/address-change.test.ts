import t from 'tap'
import { age, openTestDatabase, sql } from '../../support/database.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { type Device, newEmail, newPerson } from '../../support/http/people.js'
import { openMailServer } from '../../support/mail/mail-server.js'
import { Client, goodPassword, openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const mailServer = await openMailServer(t)
const app = await openService(t, database, mailServer.settings)
/** A second instance on the same database. */
const other = await openService(t, database, mailServer.settings)

const ask = ({ client }: Device, newAddress: string) =>
  client.send('POST', '/email', { payload: { new_email: newAddress } })
const use = (what: 'confirm' | 'undo', token: string, on = app) =>
  on.inject({ method: 'POST', url: `/email/${what}`, payload: { token } })
const emailOf = async ({ client }: Device) => (await client.send('GET', '/me')).json().email
const loginStatus = async (email: string) =>
  (await app.inject({ method: 'POST', url: '/login', payload: { email, password: goodPassword } })).statusCode

/** A person who has asked for another address, and the mail to it. */
async function moving() {
  const person = await newPerson(app)
  const address = newEmail()
  const answer = await ask(person, address)
  t.equal(answer.statusCode, 202)
  t.equal(answer.body, '{}')
  return { person, address, mail: await mailServer.mailTo(address) }
}

/** A person whose address has changed, and the mail to the old one. */
async function moved() {
  const { person, address, mail } = await moving()
  t.equal((await use('confirm', mail.token)).statusCode, 204)
  return { person, address, mail: await mailServer.mailTo(person.email) }
}

t.test('the address changes when the new one confirms it, and the sessions go on', async (t) => {
  const { person, address, mail } = await moving()
  t.equal(mail.link, `https://auth.test/account#confirm-email=${mail.token}`)
  t.equal(await emailOf(person), person.email, 'a mail alone changes nothing')

  t.equal((await use('confirm', mail.token)).statusCode, 204)
  t.equal(await emailOf(person), address)
  t.equal(await loginStatus(address), 200)
  t.equal(await loginStatus(person.email), 401)

  const told = await mailServer.mailTo(person.email)
  t.equal(told.subject, 'The address of your account was changed')
  // Removes the spaces that keep mail programs from turning it into a link.
  t.match(told.content.replaceAll('\u200B', ''), address)
  t.equal(told.link, `https://auth.test/account#undo-email=${told.token}`)
})

t.test('the old address undoes the change, which ends every session', async (t) => {
  const { person, address, mail } = await moved()
  t.equal((await use('undo', mail.token)).statusCode, 204)
  t.equal((await person.client.send('GET', '/me')).json().code, 'session_revoked')
  t.match((await person.client.send('POST', '/refresh')).json(), { code: 'session_ended', reason: 'revoked_by_user' })
  t.equal(await loginStatus(person.email), 200)
  t.equal(await loginStatus(address), 401)

  const client = new Client(app)
  await client.send('POST', '/login', { payload: { email: person.email, password: goodPassword } })
  const { events } = (await client.send('GET', '/me/events')).json()
  const types = new Set(events.map(({ type }: { type: string }) => type))
  for (const type of ['email_change_requested', 'email_changed', 'email_change_undone']) t.ok(types.has(type), type)
})

t.test('each link works once, and nowhere else', async (t) => {
  const { mail } = await moving()
  const { mail: undo } = await moved()
  for (const [what, token] of [
    ['undo', mail.token],
    ['confirm', undo.token],
    ['confirm', 'x'],
    ['undo', '']
  ] as const) {
    expectProblem(t, await use(what, token), 'invalid_or_expired_token', {
      detail: 'The link has been used, has expired or is not complete. Ask for a new one.'
    })
  }
  t.equal((await use('confirm', mail.token)).statusCode, 204)
  t.equal((await use('confirm', mail.token)).json().code, 'invalid_or_expired_token')
  t.equal((await use('undo', undo.token)).statusCode, 204)
  t.equal((await use('undo', undo.token)).json().code, 'invalid_or_expired_token')
})

t.test('fifty uses of one link at once on two instances: one passes', async (t) => {
  const { person, address, mail } = await moving()
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, i) => use('confirm', mail.token, i % 2 ? app : other))
  )
  t.equal(answers.filter(({ statusCode }) => statusCode === 204).length, 1)
  for (const { statusCode, body } of answers) t.ok([204, 400, 503].includes(statusCode), body)
  t.equal(await emailOf(person), address)
})

t.test('a taken address gets the same answer and as many rows, and its owner a mail', async (t) => {
  const [person, owner] = [await newPerson(app), await newPerson(app)]
  const rows = async () => {
    const [counts] = await sql<{ links: number; mails: number; events: number }>(
      database,
      `SELECT (SELECT count(*)::int FROM one_time_link) AS links, (SELECT count(*)::int FROM mail) AS mails,
         (SELECT count(*)::int FROM event) AS events`
    )
    return counts
  }
  const before = await rows()
  const free = await ask(person, newEmail())
  const between = await rows()
  const taken = await ask(person, owner.email.toUpperCase())
  const after = await rows()
  t.equal(taken.statusCode, free.statusCode)
  t.equal(taken.body, free.body)
  t.equal((after?.links ?? 0) - (between?.links ?? 0), (between?.links ?? 0) - (before?.links ?? 0))
  t.equal((after?.mails ?? 0) - (between?.mails ?? 0), (between?.mails ?? 0) - (before?.mails ?? 0))
  t.equal((after?.events ?? 0) - (between?.events ?? 0), (between?.events ?? 0) - (before?.events ?? 0))

  const mail = await mailServer.mailTo(owner.email)
  t.equal(mail.subject, 'You already have an account')
  t.equal(mail.token, '', 'without a link')
})

t.test('if the address is registered meanwhile, the link answers email_taken and is kept', async (t) => {
  const { person, address, mail } = await moving()
  await new Client(app).send('POST', '/register', { payload: { email: address, password: goodPassword } })
  expectProblem(t, await use('confirm', mail.token), 'email_taken')
  t.equal(await emailOf(person), person.email)
  await sql(database, `DELETE FROM "user" WHERE email = $1`, address)
  t.equal((await use('confirm', mail.token)).statusCode, 204)
})

t.test('a stranger cannot register the old address while the change can be undone', async (t) => {
  const { person } = await moved()
  const payload = { email: person.email, password: goodPassword }
  t.equal((await new Client(app).send('POST', '/register', { payload })).json().code, 'email_taken')
})

t.test('a password change makes the link dead', async (t) => {
  const { person, mail } = await moving()
  const payload = { current_password: goodPassword, new_password: 'another good password 27' }
  t.equal((await person.client.send('POST', '/password', { payload })).statusCode, 200)
  t.equal((await use('confirm', mail.token)).json().code, 'invalid_or_expired_token')
})

t.test('it needs a recent login, an address, and a mail server', async (t) => {
  const person = await newPerson(app, 'session')
  expectProblem(t, await ask(person, 'no address'), 'invalid_request', {
    errors: [{ field: 'new_email', message: 'must be an e-mail address' }]
  })
  t.equal((await app.inject({ method: 'POST', url: '/email', payload: { new_email: newEmail() } })).statusCode, 401)
  const late = await newPerson(app, 'session')
  await age(database, late.client.sessionId, 901)
  t.equal((await ask(late, newEmail())).json().code, 'insufficient_user_authentication')

  const without = await openService(t, database, { HOST: '0.0.0.0' })
  expectProblem(t, await ask(await newPerson(without), newEmail()), 'mail_not_configured')
})

t.test(
  'an address gets three mails in half an hour, then none, with the same answer; one user asks five times an hour',
  async (t) => {
    const limited = await openService(t, database, { ...mailServer.settings, RATE_LIMIT_ENABLED: 'true' })
    const person = await newPerson(limited)
    const address = newEmail()
    for (let i = 0; i < 5; i += 1) t.equal((await ask(person, address)).statusCode, 202)
    const [row] = await sql<{ queued: number }>(
      database,
      `SELECT count(*)::int AS queued FROM mail WHERE recipient = $1 AND outcome IS DISTINCT FROM 'dropped'`,
      address
    )
    t.equal(row?.queued, 3)
    expectProblem(t, await ask(person, newEmail()), 'too_many_requests')
  }
)
