import type { LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import { openTestDatabase, sql } from '../../support/database.js'
import { newEmail, newPerson } from '../../support/http/people.js'
import { recordedDatabase } from '../../support/recorded-statements.js'
import { Client, goodPassword, openService } from '../../support/service.js'

/**
 * A stranger can learn nothing about an address. Each route answers the same for every kind of address, and runs the same
 * kinds of statements, which write as many rows. `test/faults/enumeration.test.ts` measures the times.
 */
const plain = await openTestDatabase(t, { kind: 'embedded' })
const database = recordedDatabase(plain)
const mail = { MAIL_URL: 'smtp://127.0.0.1:1', MAIL_FROM: 'Latchkey <no-reply@auth.test>' }
const app = await openService(t, database, { ...mail, EMAIL_VERIFICATION: 'required' })
const off = await openService(t, plain, mail)

type Request = () => Promise<LightMyRequestResponse>

const tables = ['user', 'session', 'one_time_link', 'mail', 'event'] as const

async function countRows() {
  const counts = tables.map((table) => `(SELECT count(*)::int FROM "${table}") AS "${table}"`)
  const [counted] = await sql<Record<(typeof tables)[number], number>>(plain, `SELECT ${counts.join(', ')}`)
  if (counted === undefined) throw new Error('The tables could not be counted.')
  return counted
}

/** What a stranger sees of a response, and what the request has done. */
async function traceOf(request: Request) {
  const before = await countRows()
  const { result, statements } = await database.statementsOf(request)
  const after = await countRows()
  const { date: _date, 'x-request-id': _id, ...headers } = result.headers
  // For a new account a row is added; for a taken one, the same statement updates a row to the same values.
  const rows = tables.filter((table) => table !== 'user').map((table) => `${table} +${after[table] - before[table]}`)
  return { status: result.statusCode, headers, body: result.body, statements, rows }
}

/** Expects the same response and the same statements of all requests. */
async function expectTheSame(t: Test, requests: Readonly<Record<string, Request>>) {
  const traces = []
  for (const [name, request] of Object.entries(requests)) traces.push({ name, trace: await traceOf(request) })
  const [first, ...others] = traces
  if (first === undefined) throw new Error('There is no request.')
  t.ok(first.trace.statements.length > 0, 'statements were recorded')
  for (const { name, trace } of others) t.same(trace, first.trace, `${name} as ${first.name}`)
  return first.trace
}

const post = (url: string, payload: object) => app.inject({ method: 'POST', url, payload })
const register = (email: string) => () => post('/register', { email, password: goodPassword })

/** An account of each kind. */
async function accounts() {
  const [verified, unverified, disabled] = [await newPerson(off), await newPerson(off), await newPerson(off)]
  const unconfirmed = newEmail()
  t.equal((await register(unconfirmed)()).statusCode, 202)
  await sql(plain, 'UPDATE "user" SET email_verified_at = now() WHERE email = $1', verified.email)
  await sql(plain, 'UPDATE "user" SET disabled_at = now() WHERE email = $1', disabled.email)
  return { verified: verified.email, unverified: unverified.email, disabled: disabled.email, unconfirmed }
}

t.test('registration with EMAIL_VERIFICATION=required', async (t) => {
  const { verified, unverified, disabled, unconfirmed } = await accounts()
  const { status, statements, rows } = await expectTheSame(t, {
    'a new address': register(newEmail()),
    'an unconfirmed account': register(unconfirmed),
    'a verified account': register(verified),
    'an unverified account': register(unverified),
    'a disabled account': register(disabled)
  })
  t.equal(status, 202)
  t.same(rows, ['session +0', 'one_time_link +1', 'mail +1', 'event +1'])
  t.equal(statements.length, 3)
})

t.test('registration above the limit of mails', async (t) => {
  const limited = await openService(t, database, {
    ...mail,
    EMAIL_VERIFICATION: 'required',
    RATE_LIMIT_ENABLED: 'true'
  })
  const { verified, unconfirmed } = await accounts()
  const fresh = newEmail()
  const send = (email: string) => () =>
    limited.inject({ method: 'POST', url: '/register', payload: { email, password: goodPassword } })
  for (const email of [verified, unconfirmed, fresh]) {
    for (let i = 0; i < 3; i += 1) {
      await limited.inject({ method: 'POST', url: '/password/forgot', payload: { email } })
    }
  }
  const { rows } = await expectTheSame(t, {
    'a new address': send(fresh),
    'an unconfirmed account': send(unconfirmed),
    'a verified account': send(verified),
    'within the limit': send(newEmail())
  })
  t.same(rows, ['session +0', 'one_time_link +1', 'mail +1', 'event +1'])
})

t.test('a login without the right password, or to a disabled account', async (t) => {
  const { verified, unverified, disabled, unconfirmed } = await accounts()
  const login =
    (email: string, password = 'not the right password') =>
    () =>
      post('/login', { email, password })
  const { status } = await expectTheSame(t, {
    'an unknown address': login(newEmail()),
    'a verified account': login(verified),
    'an unverified account': login(unverified),
    'an unconfirmed account': login(unconfirmed),
    'a disabled account': login(disabled),
    'a disabled account with its password': login(disabled, goodPassword)
  })
  t.equal(status, 401)
})

t.test('a forgotten password', async (t) => {
  const { verified, unverified, disabled, unconfirmed } = await accounts()
  const forgot = (email: string) => () => post('/password/forgot', { email })
  const { status } = await expectTheSame(t, {
    'an unknown address': forgot(newEmail()),
    'a verified account': forgot(verified),
    'an unverified account': forgot(unverified),
    'an unconfirmed account': forgot(unconfirmed),
    'a disabled account': forgot(disabled)
  })
  t.equal(status, 202)
})

t.test('a change of the address', async (t) => {
  const { verified, unverified, disabled, unconfirmed } = await accounts()
  const { client } = await newPerson(off)
  const person = new Client(app)
  person.accessToken = client.accessToken
  const change = (email: string) => () => person.send('POST', '/email', { payload: { new_email: email } })
  const { status } = await expectTheSame(t, {
    'an unknown address': change(newEmail()),
    'a verified account': change(verified),
    'an unverified account': change(unverified),
    'an unconfirmed account': change(unconfirmed),
    'a disabled account': change(disabled)
  })
  t.equal(status, 202)
})
