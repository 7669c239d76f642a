import type { LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import { sharedBcryptThreads } from '../../../src/adapters/passwords/bcrypt-threads.js'
import { purgeExpired } from '../../../src/adapters/prisma/sql/purge/purge.js'
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

const tables = ['user', 'session', 'one_time_link', 'mail', 'event', 'registration'] as const

async function countRows() {
  const counts = tables.map((table) => `(SELECT count(*)::int FROM "${table}") AS "${table}"`)
  const [counted] = await sql<Record<(typeof tables)[number], number>>(plain, `SELECT ${counts.join(', ')}`)
  if (counted === undefined) throw new Error('The tables could not be counted.')
  return counted
}

/** How many passwords were hashed or compared. A comparison takes as long as a hash. */
let hashes = 0
const { hash, compare } = sharedBcryptThreads
Object.assign(sharedBcryptThreads, {
  hash: (password: string, cost: number) => {
    hashes += 1
    return hash(password, cost)
  },
  compare: (password: string, stored: string) => {
    hashes += 1
    return compare(password, stored)
  }
})
t.teardown(() => Object.assign(sharedBcryptThreads, { hash, compare }))

/** What a stranger sees of a response, and what the request has done. */
async function traceOf(request: Request) {
  const before = await countRows()
  hashes = 0
  const { result, statements } = await database.statementsOf(request)
  const hashed = hashes
  const after = await countRows()
  const { date: _date, 'x-request-id': _id, ...headers } = result.headers
  // For a new account a row is added; for a taken one, the same statement updates a row to the same values.
  const rows = tables.filter((table) => table !== 'user').map((table) => `${table} +${after[table] - before[table]}`)
  return { status: result.statusCode, headers, body: result.body, hashed, statements, rows }
}

/** Expects the same response and the same statements of all requests. */
async function expectTheSame(t: Test, requests: Readonly<Record<string, Request>>, about = '') {
  const traces = []
  for (const [name, request] of Object.entries(requests)) traces.push({ name, trace: await traceOf(request) })
  const [first, ...others] = traces
  if (first === undefined) throw new Error('There is no request.')
  t.ok(first.trace.statements.length > 0, 'statements were recorded')
  for (const { name, trace } of others) t.same(trace, first.trace, `${about}${name} as ${first.name}`)
  return first.trace
}

const post = (url: string, payload: object) => app.inject({ method: 'POST', url, payload })
const register = (email: string) => () => post('/register', { email, password: goodPassword })

/** `request` for each address, by its name. */
function namedRequests(addresses: Readonly<Record<string, string>>, request: (email: string) => Request) {
  return Object.fromEntries(Object.entries(addresses).map(([name, email]) => [name, request(email)]))
}

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
  const kinds = { verified, unverified, disabled }
  const first = await expectTheSame(t, {
    'a new address': register(newEmail()),
    ...namedRequests(kinds, (email) => register(email))
  })
  t.equal(first.status, 202)
  t.same(first.rows, ['session +0', 'one_time_link +1', 'mail +1', 'event +1', 'registration +1'])
  t.equal(first.hashed, 1)
  t.equal(first.statements.length, 6)
  const { hashed, rows } = await expectTheSame(t, {
    'an unconfirmed account again': register(unconfirmed),
    ...namedRequests(kinds, (email) => register(email))
  })
  t.equal(hashed, 1)
  t.same(rows, ['session +0', 'one_time_link +1', 'mail +1', 'event +1', 'registration +0'])
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
    'a verified account': send(verified),
    'within the limit': send(newEmail())
  })
  t.same(rows, ['session +0', 'one_time_link +1', 'mail +1', 'event +1', 'registration +1'])
  await expectTheSame(t, { 'an unconfirmed account': send(unconfirmed), 'a verified account': send(verified) })
})

t.test('a login without the right password, or to a disabled account', async (t) => {
  const { verified, unverified, disabled, unconfirmed } = await accounts()
  const login =
    (email: string, password = 'not the right password') =>
    () =>
      post('/login', { email, password })
  const { status, hashed } = await expectTheSame(t, {
    'an unknown address': login(newEmail()),
    'a verified account': login(verified),
    'an unverified account': login(unverified),
    'an unconfirmed account': login(unconfirmed),
    'a disabled account': login(disabled),
    'a disabled account with its password': login(disabled, goodPassword)
  })
  t.equal(status, 401)
  t.equal(hashed, 2)
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

/** An address without an account, which a link can bring back. */
async function keptAddress() {
  const email = newEmail()
  await sql(
    plain,
    `INSERT INTO one_time_link (id, purpose, user_id, address, token_hash, mailed, life_seconds, expires_at, reserved_email_key)
     VALUES (gen_random_uuid(), 'email_undo', gen_random_uuid(), $1, 'x', true, 60, now() + interval '7 days', $1)`,
    email
  )
  return email
}

/** What a stranger can do with an address that is not the stranger's: the passwords P and Q, and a wrong one. */
const steps = {
  'register P': (email: string) => post('/register', { email, password: 'the good password P 1' }),
  'register Q': (email: string) => post('/register', { email, password: 'the good password Q 2' }),
  'log in with P': (email: string) => post('/login', { email, password: 'the good password P 1' }),
  'log in with Q': (email: string) => post('/login', { email, password: 'the good password Q 2' }),
  'log in with another password': (email: string) => post('/login', { email, password: 'not the right password' }),
  forgot: (email: string) => post('/password/forgot', { email }),
  'use an invented link': () => post('/email/verification/confirm', { token: 'lk_ot_invented' })
}
type Step = keyof typeof steps | 'a day passes'

async function passDay() {
  for (const table of ['registration', 'one_time_link']) {
    await sql(plain, `UPDATE ${table} SET expires_at = expires_at - interval '1 day'`)
  }
  await purgeExpired(plain, { batch: 1000, eventRetentionSeconds: 1_000_000 })
}

/** Sequences of steps, and the status of the last one. */
const sequences: readonly (readonly [lastStatus: number, ...sequence: readonly Step[]])[] = [
  [
    403,
    'log in with P',
    'register P',
    'log in with P',
    'log in with Q',
    'log in with another password',
    'log in with P'
  ],
  [401, 'register P', 'register P', 'log in with P', 'register Q', 'log in with P', 'log in with Q'],
  [401, 'register P', 'register Q', 'register P', 'log in with P', 'log in with Q', 'register Q', 'log in with Q'],
  [401, 'register P', 'forgot', 'log in with P', 'forgot', 'register Q', 'log in with P', 'log in with Q'],
  [403, 'forgot', 'register P', 'log in with P', 'log in with P', 'forgot', 'log in with P'],
  [403, 'register P', ...days(2), 'log in with P', ...days(2), 'log in with P'],
  [403, 'register P', ...days(1), 'forgot', ...days(2), 'log in with P', 'register Q', 'log in with Q'],
  [401, 'register P', ...days(2), 'forgot', 'log in with Q', ...days(1), 'log in with P'],
  [403, 'register P', 'register Q', ...days(3), 'register P', 'log in with P']
]

function days(count: number) {
  return Array.from({ length: count }, () => 'a day passes' as const)
}

for (const [lastStatus, ...sequence] of sequences) {
  t.test(`the same for a free and a taken address: ${sequence.join(', ')}`, async (t) => {
    const { verified, unverified, disabled } = await accounts()
    const addresses = { free: newEmail(), verified, unverified, disabled, 'kept by a link': await keptAddress() }
    let status = 0
    for (const step of sequence) {
      if (step === 'a day passes') await passDay()
      else {
        const requests = namedRequests(addresses, (email) => () => steps[step](email))
        status = (await expectTheSame(t, requests, `${step}: `)).status
      }
    }
    t.equal(status, lastStatus)
  })
}

t.test('a login with the password of a registration is email_not_verified also for a taken address', async (t) => {
  const { verified, disabled } = await accounts()
  const addresses = { free: newEmail(), verified, disabled, 'kept by a link': await keptAddress() }
  await expectTheSame(
    t,
    namedRequests(addresses, (email) => () => steps['register P'](email))
  )
  const { status, body, hashed, rows } = await expectTheSame(
    t,
    namedRequests(addresses, (email) => () => steps['log in with P'](email))
  )
  t.equal(status, 403)
  t.match(body, 'email_not_verified')
  t.equal(hashed, 2)
  t.same(rows, ['session +0', 'one_time_link +1', 'mail +1', 'event +2', 'registration +0'])
  const owners = await traceOf(() => post('/login', { email: verified, password: goodPassword }))
  t.equal(owners.status, 200)
  t.equal(owners.hashed, 1, 'the owner waits for one comparison')
})

t.test('the limits of guesses and mails are the same for a free and a taken address', async (t) => {
  const limited = await openService(t, database, {
    ...mail,
    EMAIL_VERIFICATION: 'required',
    RATE_LIMIT_ENABLED: 'true'
  })
  const { verified } = await accounts()
  const addresses = { free: newEmail(), verified }
  // From two networks, so that each address has the limits of a network for itself.
  const send = (url: string, password: string) => (email: string) => () =>
    limited.inject({
      method: 'POST',
      url,
      remoteAddress: email === verified ? '192.0.2.1' : '192.0.2.2',
      payload: { email, password }
    })
  const seen = async (url: string, password: string) => {
    const [free, taken] = [
      await traceOf(send(url, password)(addresses.free)),
      await traceOf(send(url, password)(verified))
    ]
    // The event log sums up wrong passwords, so the later request may write none.
    for (const about of ['status', 'hashed'] as const) t.same(taken[about], free[about])
    t.equal(JSON.parse(taken.body).code, JSON.parse(free.body).code)
    return free.status
  }
  await seen('/register', 'the good password P 1')
  const statuses = []
  for (let i = 0; i < 11; i += 1) {
    statuses.push(await seen('/login', `not the right password ${i}`))
    statuses.push(await seen('/login', 'the good password P 1'))
  }
  t.same(statuses, [...Array.from({ length: 9 }, () => [401, 403]).flat(), 401, 429, 429, 429])
})
