import t from 'tap'
import { noPasswordHash } from '../../../src/core/password-policy.js'
import type { Mode } from '../../../src/core/vocabulary.js'
import { age, openTestDatabase, sql } from '../../support/database.js'
import { expectFieldErrors, expectProblem } from '../../support/http/contract-errors.js'
import { newPerson } from '../../support/http/people.js'
import { goodPassword, openService } from '../../support/service.js'

const newPassword = 'another good password'
const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database)

/** A signed-in user whose account has no password, as after a login by another way. */
async function withoutPassword({ mode = 'session', loginAge = 0 }: { mode?: Mode; loginAge?: number } = {}) {
  const person = await newPerson(app, mode)
  const [user] = await sql<{ id: string }>(
    database,
    'UPDATE "user" SET password_hash = $2 WHERE email = $1 RETURNING id',
    person.email,
    noPasswordHash('1')
  )
  await sql(database, `UPDATE session SET amr = '{hwk}' WHERE id = $1::uuid`, person.client.sessionId)
  await age(database, person.client.sessionId, loginAge)
  return { ...person, userId: String(user?.id) }
}

const exists = async (userId: string) =>
  (await sql(database, 'SELECT 1 FROM "user" WHERE id = $1::uuid', userId)).length === 1

const loginStatus = async (email: string, password: string) =>
  (await app.inject({ method: 'POST', url: '/login', payload: { email, password } })).statusCode

/** What a client may send as the current password of an account without one. It makes no difference. */
const sent = { nothing: undefined, 'an empty one': '', 'a guess': goodPassword }

for (const [what, password] of Object.entries(sent)) {
  t.test(`DELETE /me of an account without a password needs a recent login, and ignores ${what}`, async (t) => {
    const old = await withoutPassword({ loginAge: 901 })
    const payload = { password }
    expectProblem(t, await old.client.send('DELETE', '/me', { payload }), 'insufficient_user_authentication')
    t.ok(await exists(old.userId))
    const recent = await withoutPassword()
    t.equal((await recent.client.send('DELETE', '/me', { payload })).statusCode, 204)
    t.notOk(await exists(recent.userId))
  })

  t.test(`POST /password of an account without a password needs a recent login, and ignores ${what}`, async (t) => {
    const payload = { current_password: password, new_password: newPassword }
    const old = await withoutPassword({ loginAge: 901 })
    expectProblem(t, await old.client.send('POST', '/password', { payload }), 'insufficient_user_authentication')
    t.equal(await loginStatus(old.email, newPassword), 401)
    const recent = await withoutPassword()
    t.match((await recent.client.send('GET', '/me')).json(), { has_password: false })
    t.equal((await recent.client.send('POST', '/password', { payload })).statusCode, 200)
    t.equal(await loginStatus(recent.email, newPassword), 200)
    t.match((await recent.client.send('GET', '/me')).json(), { has_password: true })
  })
}

t.test('an account with a password must send it, however recent the login is', async (t) => {
  const { client, email } = await newPerson(app)
  t.match((await client.send('GET', '/me')).json(), { has_password: true })
  const change = { new_password: newPassword }
  expectFieldErrors(t, await client.send('POST', '/password', { payload: change }), ['current_password'])
  expectFieldErrors(t, await client.send('DELETE', '/me', { payload: {} }), ['password'])
  expectFieldErrors(t, await client.send('DELETE', '/me'), ['password'])
  const wrong = { payload: { ...change, current_password: '', password: '' } }
  expectProblem(t, await client.send('POST', '/password', wrong), 'invalid_credentials')
  expectProblem(t, await client.send('DELETE', '/me', wrong), 'invalid_credentials')
  t.equal(await loginStatus(email, goodPassword), 200, 'nothing has changed')
})

t.test('with the right password, the age of the login does not matter', async (t) => {
  const { client } = await newPerson(app, 'session')
  await age(database, client.sessionId, 901)
  const change = { current_password: goodPassword, new_password: newPassword }
  t.equal((await client.send('POST', '/password', { payload: change })).statusCode, 200)
  await age(database, client.sessionId, 901)
  t.equal((await client.send('DELETE', '/me', { payload: { password: newPassword } })).statusCode, 204)
})

t.test('a first password replaces the session, and its amr stays as it was', async (t) => {
  const { client } = await withoutPassword({ mode: 'body' })
  const { sessionId } = client
  await client.send('POST', '/password', { payload: { new_password: newPassword } })
  t.not(client.sessionId, sessionId)
  const claims = JSON.parse(Buffer.from(client.accessToken.split('.')[1] ?? '', 'base64url').toString())
  t.strictSame(claims.amr, ['hwk'])
})

t.test('of two first passwords at once, one is set', async (t) => {
  const { client, email } = await withoutPassword({ mode: 'body' })
  const passwords = [newPassword, 'a third good password']
  const answers = await Promise.all(
    passwords.map((password) => client.send('POST', '/password', { payload: { new_password: password } }))
  )
  t.same(answers.map(({ statusCode }) => statusCode).sort(), [200, 401])
  const statuses = await Promise.all(passwords.map((password) => loginStatus(email, password)))
  t.same(statuses.sort(), [200, 401])
})

t.test('POST /reauthenticate of an account without a password refuses every password', async (t) => {
  const { client } = await withoutPassword()
  const passwords = [goodPassword, '', noPasswordHash('1')]
  for (const password of passwords) {
    expectProblem(t, await client.send('POST', '/reauthenticate', { payload: { password } }), 'invalid_credentials')
  }
})
