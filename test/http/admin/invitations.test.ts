import type { LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import { openTestDatabase, sql } from '../../support/database.js'
import { openAdminService, signInAdmin, userIdOf } from '../../support/http/admin.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { newEmail, newPerson } from '../../support/http/people.js'
import { openMailServer } from '../../support/mail/mail-server.js'
import { goodPassword, openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const mailServer = await openMailServer(t)
const { app, admin } = await openAdminService(t, database, mailServer.settings)

const create = (payload: object, client = admin) => client.send('POST', '/admin/users', { payload })

const reset = (token: string, password = goodPassword) =>
  app.inject({ method: 'POST', url: '/password/reset', payload: { token, new_password: password } })

/** Expects a refusal with a `detail`, which is for people. */
function expectRefused(
  t: Test,
  response: LightMyRequestResponse,
  code: 'invalid_or_expired_token' | 'password_too_short'
) {
  expectProblem(t, response, code, { detail: response.json().detail })
}

const loginStatus = async (email: string, password = goodPassword) =>
  (await app.inject({ method: 'POST', url: '/login', payload: { email, password } })).statusCode

async function invited(more: object = {}) {
  const email = newEmail()
  const response = await create({ email, invite: 'link', ...more })
  const { user, link } = response.json()
  return { email, response, user, token: String(link?.split('=')[1]) }
}

const eventsOf = async (userId: string, type?: string) => {
  const filter = type === undefined ? '' : `&type=${type}`
  return (await admin.send('GET', `/admin/events?user_id=${userId}${filter}`)).json().events
}

t.test('an admin invites a person by a link, which is shown once, and the person sets a password', async (t) => {
  const { email, response, user, token } = await invited({ roles: ['reader'], locale: 'de' })
  t.equal(response.statusCode, 201)
  t.equal(response.headers['cache-control'], 'no-store')
  t.match(response.json().link, /^https:\/\/auth\.test\/account#invitation=lk_ot_/)
  t.match(user, { email, roles: ['reader'], disabled: false })
  t.match((await admin.send('GET', `/admin/users/${user.id}`)).json(), user)
  const actor = { actor_id: await userIdOf(admin) }
  t.match(await eventsOf(user.id), [
    { type: 'user_invited', reason: 'link', ...actor },
    { type: 'user_registered', ...actor }
  ])
  t.equal(await loginStatus(email), 401, 'before, no password opens the account')

  expectRefused(t, await reset(token, 'short'), 'password_too_short')
  t.equal((await reset(token)).statusCode, 204, 'a refused password does not use the invitation up')
  t.equal(await loginStatus(email), 200)
  expectRefused(t, await reset(token), 'invalid_or_expired_token')
  t.match(await eventsOf(user.id, 'password_reset'), [{ reason: 'invitation' }])
})

t.test('an invitation by mail is in the language of the person, and no notice follows it', async (t) => {
  const email = newEmail()
  const response = await create({ email, locale: 'de', invite: 'mail' })
  t.strictSame(Object.keys(response.json()), ['user'], 'the admin does not see the link')
  const mail = await mailServer.mailTo(email)
  t.match(mail.link, /#invitation=/)
  const [queued] = await sql(database, 'SELECT kind, locale FROM mail WHERE recipient = $1', email)
  t.match(queued, { kind: 'invitation', locale: 'de' })
  t.equal((await reset(mail.token)).statusCode, 204)
  t.equal(await loginStatus(email), 200)
  const kinds = await sql(database, 'SELECT kind FROM mail WHERE recipient = $1', email)
  t.same(kinds, [{ kind: 'invitation' }])
})

t.test('an account that an admin creates without an invitation needs a password reset', async (t) => {
  const email = newEmail()
  const response = await create({ email })
  t.equal(response.statusCode, 201)
  const { user, ...rest } = response.json()
  t.strictSame(rest, {})
  t.match(await eventsOf(user.id), [{ type: 'user_registered' }])
  const [row] = await sql<{ verified: boolean }>(
    database,
    'SELECT email_verified_at IS NOT NULL AS verified FROM "user" WHERE id = $1::uuid',
    user.id
  )
  t.equal(row?.verified, true)
  const started = await admin.send('POST', `/admin/users/${user.id}/password-reset`, { payload: { deliver: 'link' } })
  t.equal((await reset(started.json().link.split('=')[1])).statusCode, 204)
  t.equal(await loginStatus(email), 200)
})

t.test('a person who lost the invitation asks for a new password, and the invitation dies', async (t) => {
  const { email, token } = await invited()
  await app.inject({ method: 'POST', url: '/password/forgot', payload: { email } })
  const mail = await mailServer.mailTo(email)
  t.match(mail.link, /#reset=/)
  t.equal((await reset(mail.token)).statusCode, 204)
  expectRefused(t, await reset(token, 'another good password'), 'invalid_or_expired_token')
  t.equal(await loginStatus(email), 200)
})

t.test('an invitation dies with the address, and after 7 days', async (t) => {
  const moved = await invited()
  await sql(database, `UPDATE "user" SET email = 'moved@example.org' WHERE id = $1::uuid`, moved.user.id)
  expectRefused(t, await reset(moved.token), 'invalid_or_expired_token')

  const old = await invited()
  const age = (interval: string) =>
    sql(
      database,
      `UPDATE one_time_link SET expires_at = expires_at - interval '${interval}' WHERE user_id = $1::uuid`,
      old.user.id
    )
  await age('6 days 23 hours')
  expectRefused(t, await reset(old.token, 'short'), 'password_too_short')
  await age('1 hour')
  expectRefused(t, await reset(old.token), 'invalid_or_expired_token')
})

t.test('of two simultaneous acceptances of one invitation, one succeeds', async (t) => {
  const { email, token } = await invited()
  const passwords = [goodPassword, 'another good password']
  const answers = await Promise.all(passwords.map((password) => reset(token, password)))
  t.same(answers.map(({ statusCode }) => statusCode).sort(), [204, 400])
  const won = passwords[answers.findIndex(({ statusCode }) => statusCode === 204)]
  t.equal(await loginStatus(email, won), 200)
})

t.test('a taken address and a bad body create nothing', async (t) => {
  const { email } = await newPerson(app)
  expectProblem(t, await create({ email: email.toUpperCase(), invite: 'link' }), 'email_taken')
  for (const [wrong, field] of [
    [{}, 'email'],
    [{ email: 'no address' }, 'email'],
    [{ email: 'x@example.org', roles: ['Admin'] }, 'roles.0'],
    [{ email: 'x@example.org', locale: 'de_DE' }, 'locale'],
    [{ email: 'x@example.org', invite: 'pigeon' }, 'invite']
  ] as const) {
    t.match((await create(wrong)).json(), { status: 400, code: 'invalid_request', errors: [{ field }] })
  }
  t.same(await sql(database, `SELECT 1 FROM "user" WHERE email = 'x@example.org'`), [])
})

t.test('without mail, an invitation by mail is refused before anything is written', async (t) => {
  const without = await signInAdmin(await openService(t, database, { HOST: '0.0.0.0' }))
  const email = newEmail()
  expectProblem(t, await create({ email, invite: 'mail' }, without), 'mail_not_configured')
  t.same(await sql(database, 'SELECT 1 FROM "user" WHERE email = $1', email), [])
  t.equal((await create({ email, invite: 'link' }, without)).statusCode, 201)
})

t.test('with REGISTRATION=invited only admins create accounts, and with closed they cannot either', async (t) => {
  const email = newEmail()
  const register = { method: 'POST', url: '/register', payload: { email, password: goodPassword } } as const
  const byInvitation = await openService(t, database, { REGISTRATION: 'invited' })
  t.equal((await byInvitation.inject('/features')).json().registration, 'invited')
  expectProblem(t, await byInvitation.inject(register), 'registration_closed')
  t.equal((await create({ email, invite: 'link' }, await signInAdmin(byInvitation))).statusCode, 201)

  const closed = await openService(t, database, { REGISTRATION: 'closed', HOST: '0.0.0.0' })
  t.equal((await closed.inject('/features')).json().registration, 'closed')
  const ops = await signInAdmin(closed)
  for (const invite of ['mail', 'link', undefined]) {
    expectProblem(t, await create({ email: newEmail(), invite }, ops), 'registration_closed')
  }
})
