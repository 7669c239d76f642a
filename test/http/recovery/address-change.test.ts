import t from 'tap'
import { age, openTestDatabase, sql } from '../../support/database.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { copyOf, type Device, newEmail, newPerson } from '../../support/http/people.js'
import { openMailServer } from '../../support/mail/mail-server.js'
import { Client, goodPassword, openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const mailServer = await openMailServer(t)
const operator = newEmail()
const settings = { ...mailServer.settings, ADMIN_EMAIL: operator, ADMIN_PASSWORD: goodPassword }
const app = await openService(t, database, settings)
/** A second instance on the same database. */
const other = await openService(t, database, mailServer.settings)

const ask = ({ client }: Device, newAddress: string) =>
  client.send('POST', '/email', { payload: { new_email: newAddress } })
const use = (what: 'confirm' | 'undo', token: string, on = app) =>
  on.inject({ method: 'POST', url: `/email/${what}`, payload: { token } })
const emailOf = async ({ client }: Device) => (await client.send('GET', '/me')).json().email
const newPassword = 'quite another password'
const loginStatus = async (email: string, password = goodPassword) =>
  (await app.inject({ method: 'POST', url: '/login', payload: { email, password } })).statusCode

/** Somebody who has copied the person's session. */
const thiefOf = ({ client, email }: Device): Device => ({ client: copyOf(client), email })

/** A person who has confirmed the address. */
async function confirmedPerson() {
  const person = await newPerson(app)
  await sql(database, `UPDATE "user" SET email_verified_at = now() WHERE email = $1`, person.email)
  return person
}

/** Changes the address, as anybody with the person's session and password can. */
async function moveTo(device: Device, address: string) {
  t.equal((await ask(device, address)).statusCode, 202)
  t.equal((await use('confirm', (await mailServer.mailTo(address)).token)).statusCode, 204)
}

/** A person who has asked for another address, and the mail to it. */
async function moving() {
  const person = await confirmedPerson()
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
  const text = mail.content.replaceAll('\u200B', '')
  t.match(text, 'p…@example.org', 'the mail says whose account it is')
  t.notMatch(text, person.email)

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

  const lost = await mailServer.mailTo(address, 1)
  t.equal(lost.subject, 'This address is no longer the address of your account')
  t.notMatch(lost.content.replaceAll('\u200B', ''), person.email)
  const { token } = await mailServer.mailTo(person.email, 1)
  const reset = { token, new_password: newPassword }
  t.equal((await new Client(app).send('POST', '/password/reset', { payload: reset })).statusCode, 204)
  t.equal(await loginStatus(person.email, newPassword), 200)

  const client = new Client(app)
  await client.send('POST', '/login', { payload: { email: person.email, password: newPassword } })
  const { events } = (await client.send('GET', '/me/events')).json()
  const types = new Set(events.map(({ type }: { type: string }) => type))
  for (const type of ['email_change_requested', 'email_changed', 'email_change_undone']) t.ok(types.has(type), type)
})

t.test('a thief who changed the address cannot do so again after the undo', async (t) => {
  const person = await confirmedPerson()
  const thief = thiefOf(person)
  await moveTo(thief, newEmail())
  const pending = newEmail()
  t.equal((await ask(thief, pending)).statusCode, 202)
  const { token } = await mailServer.mailTo(pending)
  const [{ email: thiefsAddress } = { email: '' }] = await sql<{ email: string }>(
    database,
    `SELECT u.email FROM "user" u JOIN session s ON s.user_id = u.id WHERE s.id = $1::uuid`,
    person.client.sessionId
  )
  const forgot = { email: thiefsAddress }
  t.equal((await new Client(app).send('POST', '/password/forgot', { payload: forgot })).statusCode, 202)
  const thiefsReset = await mailServer.mailTo(thiefsAddress, 1)

  t.equal((await use('undo', (await mailServer.mailTo(person.email)).token)).statusCode, 204)
  t.equal((await ask(thief, newEmail())).statusCode, 401)
  for (const email of [person.email, thiefsAddress]) t.equal(await loginStatus(email), 401, 'the old password is void')
  t.equal((await use('confirm', token)).json().code, 'invalid_or_expired_token')
  const payload = { token: thiefsReset.token, new_password: newPassword }
  const reset = await new Client(app).send('POST', '/password/reset', { payload })
  t.equal(reset.json().code, 'invalid_or_expired_token')
})

t.test('a thief gets no link that undoes the owner’s repair; the first address gets it at each change', async (t) => {
  const person = await confirmedPerson()
  const thiefsAddress = newEmail()
  await moveTo(thiefOf(person), thiefsAddress)
  const first = await mailServer.mailTo(person.email)

  const another = newEmail()
  await moveTo(person, another)
  const again = await mailServer.mailTo(person.email, 1)
  t.equal(again.token, first.token, 'the same link, which lives 7 days from now on')
  t.match(again.content.replaceAll('\u200B', ''), another)
  const removed = await mailServer.mailTo(thiefsAddress, 1)
  t.equal(removed.subject, 'This address is no longer the address of your account')
  t.equal(removed.token, '')
  t.notMatch(removed.content.replaceAll('\u200B', ''), another, 'does not say where the account is now')

  t.equal((await use('undo', first.token)).statusCode, 204)
  const { token } = await mailServer.mailTo(person.email, 2)
  const payload = { token, new_password: newPassword }
  t.equal((await new Client(app).send('POST', '/password/reset', { payload })).statusCode, 204)
  t.equal(await loginStatus(person.email, newPassword), 200)
})

t.test(
  'an owner who changes the address back leaves the thief without a link, and can undo a later change',
  async (t) => {
    const person = await confirmedPerson()
    const thief = thiefOf(person)
    const thiefsAddress = newEmail()
    await moveTo(thief, thiefsAddress)
    const first = await mailServer.mailTo(person.email)
    t.equal((await ask(person, person.email)).statusCode, 202)
    t.equal((await use('confirm', (await mailServer.mailTo(person.email, 1)).token)).statusCode, 204)
    t.equal((await mailServer.mailTo(thiefsAddress, 1)).token, '')
    t.equal((await use('undo', first.token)).json().code, 'invalid_or_expired_token', 'there is nothing to undo')

    await moveTo(thief, newEmail())
    t.equal((await use('undo', (await mailServer.mailTo(person.email, 2)).token)).statusCode, 204)
    t.match((await person.client.send('POST', '/refresh')).json(), { code: 'session_ended', reason: 'revoked_by_user' })
  }
)

t.test('another mailbox with the key of the first address does not make the link of the owner dead', async (t) => {
  const email = 'strasse@example.org'
  const owner = await newPerson(app)
  await sql(
    database,
    'UPDATE "user" SET email = $1, email_key = $1, email_verified_at = now() WHERE email = $2',
    email,
    owner.email
  )
  await moveTo(owner, newEmail())
  const { token } = await mailServer.mailTo(email)
  await moveTo(owner, 'straße@example.org')
  t.equal((await mailServer.mailTo(email, 1)).token, token)
  t.equal((await use('undo', token)).statusCode, 204)
  t.equal(await loginStatus(email), 401, 'the password is removed')
  t.equal((await mailServer.mailTo(email, 2)).subject, 'Set a new password')
})

t.test(
  'an address that nobody confirmed gets no link and is not kept, and its repair gives none to a thief',
  async (t) => {
    const person = await newPerson(app)
    const thiefsAddress = newEmail()
    await moveTo(thiefOf(person), thiefsAddress)
    const told = await mailServer.mailTo(person.email)
    t.equal(told.subject, 'This address is no longer the address of your account')
    t.equal(told.token, '')
    t.notMatch(told.content.replaceAll('\u200B', ''), thiefsAddress)

    await moveTo(person, newEmail())
    t.equal((await mailServer.mailTo(thiefsAddress, 1)).token, '')
    const payload = { email: person.email, password: goodPassword }
    t.equal((await new Client(app).send('POST', '/register', { payload })).statusCode, 201)
  }
)

t.test('the end of all sessions, by the owner or an admin, makes a pending change dead', async (t) => {
  const admin = new Client(app)
  await admin.signIn(operator, { path: '/login' })
  const ends = {
    'all, with a recent login': ({ client }: Device) => client.send('DELETE', '/sessions?all=true'),
    'all, the only one, with an old login': async ({ client }: Device) => {
      await age(database, client.sessionId, 901)
      // The new access token has the old time of login.
      await client.send('POST', '/refresh')
      return client.send('DELETE', '/sessions?all=true')
    },
    'all others': ({ client }: Device) => client.send('DELETE', '/sessions'),
    'an admin': async ({ client }: Device) => {
      const { id } = (await client.send('GET', '/me')).json()
      return admin.send('DELETE', `/admin/users/${id}/sessions`)
    },
    compromised: async ({ client }: Device) => {
      const { id } = (await client.send('GET', '/me')).json()
      const payload = { deliver: 'link', end_sessions: true }
      return admin.send('POST', `/admin/users/${id}/password-reset`, { payload })
    }
  }
  for (const [name, end] of Object.entries(ends)) {
    const person = await newPerson(app)
    const address = newEmail()
    t.equal((await ask(person, address)).statusCode, 202)
    const { token } = await mailServer.mailTo(address)
    t.equal((await end(person)).statusCode, 200, name)
    t.equal((await use('confirm', token)).json().code, 'invalid_or_expired_token', name)
  }
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
