import t from 'tap'
import type { Static } from 'typebox'
import type { TokenResponse } from '../../../src/http/schemas/sign-in.js'
import { openTestDatabase, sql } from '../../support/database.js'
import { expectFieldErrors, expectProblem } from '../../support/http/contract-errors.js'
import { newEmail, newPerson } from '../../support/http/people.js'
import { specificationOf } from '../../support/http/specification.js'
import { Client, goodPassword, openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded', embedded: { waitSeconds: 20 } })
const app = await openService(t, database)

const register = (payload: object) => app.inject({ method: 'POST', url: '/register', payload })

t.test('register creates an account and answers 201 with an access token, uncached', async (t) => {
  const response = await register({ email: newEmail(), password: goodPassword })
  const { access_token, session_id, ...rest } = response.json<Static<typeof TokenResponse>>()
  t.equal(response.statusCode, 201)
  t.strictSame(rest, { token_type: 'Bearer', expires_in: 600 })
  t.match(access_token, /^[\w-]+\.[\w-]+\.[\w-]+$/)
  t.match(session_id, /^[0-9a-f-]{36}$/)
  t.equal(response.headers['content-type'], 'application/json; charset=utf-8')
  t.equal(response.headers['cache-control'], 'no-store')
  t.strictSame(
    response.cookies.map(({ name }) => name),
    ['__Host-refresh_token', '__Host-device']
  )
})

t.test('a new account has the address as typed and no role', async (t) => {
  const { client, email } = await newPerson(app)
  const me = (await client.send('GET', '/me')).json()
  t.match(me, { email, roles: [], session_id: client.sessionId })
  t.ok(Math.abs(Date.now() - Date.parse(me.created_at)) < 60_000)
})

t.test('the first session has the name of its device', async (t) => {
  const { client } = await newPerson(app, 'cookie', 'kitchen tablet')
  t.match((await client.send('GET', '/sessions')).json(), { sessions: [{ device: 'kitchen tablet', current: true }] })
})

t.test('an address with an account is email_taken', async (t) => {
  const { email } = await newPerson(app)
  expectProblem(t, await register({ email, password: goodPassword }), 'email_taken')
})

const twins: readonly (readonly [spelling: string, twin: string])[] = [
  ['Case.Twin@Example.org', 'case.twin@example.ORG'],
  ['wide@example.org', 'ｗｉｄｅ@example.org'],
  ['joe\u0301@example.org', 'jo\u00e9@example.org'],
  ['ligature-fi@example.org', 'ligature-ﬁ@example.org'],
  ['spaced@example.org', '  spaced@example.org ']
]

for (const [email, twin] of twins) {
  t.test(`${JSON.stringify(twin)} is the account of ${email}`, async (t) => {
    const first = await register({ email, password: goodPassword })
    t.equal(first.statusCode, 201)
    expectProblem(t, await register({ email: twin, password: goodPassword }), 'email_taken')
    const login = await app.inject({ method: 'POST', url: '/login', payload: { email: twin, password: goodPassword } })
    t.equal(login.statusCode, 200, 'the twin logs in to the account')
  })
}

t.test('fifty concurrent registrations of one address create one user', async (t) => {
  const responses = await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      register({ email: i % 2 ? 'FIFTY@x.org' : 'fifty@x.org', password: goodPassword })
    )
  )
  t.equal(responses.filter(({ statusCode }) => statusCode === 201).length, 1)
  for (const response of responses.filter(({ statusCode }) => statusCode !== 201)) {
    // The password queue is short, so the requests above its limit are refused.
    expectProblem(t, response, response.statusCode === 503 ? 'unavailable' : 'email_taken')
  }
  t.equal((await sql(database, `SELECT 1 FROM "user" WHERE email_key = 'fifty@x.org'`)).length, 1)
})

t.test('id, roles and other members that only the service sets have no effect', async (t) => {
  const forged = '00000000-0000-4000-8000-000000000000'
  const client = new Client(app)
  const response = await client.send('POST', '/register', {
    payload: {
      email: newEmail(),
      password: goodPassword,
      id: forged,
      user_id: forged,
      session_id: forged,
      role: 'admin',
      roles: ['admin'],
      disabled: true,
      disabled_at: '2020-01-01T00:00:00Z',
      passwordHash: 'x'
    }
  })
  t.equal(response.statusCode, 201)
  t.not(client.sessionId, forged)
  const me = (await client.send('GET', '/me')).json()
  t.not(me.id, forged)
  t.strictSame(me.roles, [])
  t.equal((await client.send('GET', '/admin/users')).statusCode, 403)
})

t.test('every missing member is named', async (t) => {
  expectFieldErrors(t, await register({}), ['email', 'password'])
  expectFieldErrors(t, await app.inject({ method: 'POST', url: '/register' }), ['email', 'password'])
})

for (const email of [
  '',
  'ada',
  '@example.org',
  'ada@',
  'a@b@c.org',
  'a da@example.org',
  'ada@.org',
  'ada\0@example.org'
]) {
  t.test(`${JSON.stringify(email)} is not an address`, async (t) => {
    expectFieldErrors(t, await register({ email, password: goodPassword }), ['email'])
  })
}

t.test('an address longer than mail allows is refused', async (t) => {
  const email = `${'a'.repeat(243)}@example.org`
  expectFieldErrors(t, await register({ email, password: goodPassword }), ['email'])
  t.equal((await register({ email: email.slice(1), password: goodPassword })).statusCode, 201)
})

t.test('an invalid mode or device is refused', async (t) => {
  const account = { email: newEmail(), password: goodPassword }
  expectFieldErrors(t, await register({ ...account, mode: 'cookies', device: '' }), ['device', 'mode'])
  expectFieldErrors(t, await register({ ...account, device: 'x'.repeat(101) }), ['device'])
})

t.test('the two spellings of an internationalized domain are one account', async (t) => {
  t.equal((await register({ email: 'ann@bücher.example', password: goodPassword })).statusCode, 201)
  for (const email of ['ann@xn--bcher-kva.example', 'Ann@BÜCHER.example', 'ann@bücher。example']) {
    expectProblem(t, await register({ email, password: goodPassword }), 'email_taken')
    const login = await app.inject({ method: 'POST', url: '/login', payload: { email, password: goodPassword } })
    t.equal(login.statusCode, 200, email)
  }
})

t.test('/openapi.json lists of /register what can happen with this REGISTRATION', async (t) => {
  const responsesOf = async (service: typeof app) => {
    const { responses } = (await specificationOf(service)).paths['/register']?.post ?? {}
    return Object.entries(responses ?? {}).map(([status, { description }]) => `${status} ${description}`)
  }
  const closed = await responsesOf(await openService(t, database, { REGISTRATION: 'closed' }))
  t.strictSame(closed, [
    '400 invalid_request',
    '403 forbidden_origin, registration_closed',
    '413 body_too_large',
    '415 unsupported_media_type',
    '429 too_many_requests'
  ])
  const open = await responsesOf(app)
  t.match(
    open.map((response) => response.slice(0, 3)),
    ['201', '400', '403', '409', '413', '415', '429', '503']
  )
  t.notMatch(open.join(), 'registration_closed')
})

t.test('with REGISTRATION=closed nobody can register, and existing users can sign in', async (t) => {
  const closed = await openService(t, database, { REGISTRATION: 'closed' })
  const payload = { email: 'newcomer@example.org', password: goodPassword }
  for (const weak of [payload, { ...payload, password: 'short' }, { ...payload, email: 'ann@bücher.example' }]) {
    expectProblem(t, await closed.inject({ method: 'POST', url: '/register', payload: weak }), 'registration_closed')
  }
  t.match((await closed.inject('/features')).json(), { registration: 'closed' })
  t.match((await app.inject('/features')).json(), { registration: 'open' })
  t.equal((await closed.inject({ method: 'POST', url: '/login', payload })).statusCode, 401, 'no account was made')
  const ann = { email: 'ann@bücher.example', password: goodPassword }
  t.equal((await closed.inject({ method: 'POST', url: '/login', payload: ann })).statusCode, 200)
  t.match((await closed.inject('/metrics')).body, 'latchkey_registrations_total{outcome="closed"} 3')
})
