import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import type { Database } from '../../../src/adapters/prisma/database.js'
import { openTestDatabase, sql } from '../../support/database.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { newEmail, newPerson } from '../../support/http/people.js'
import { Client, goodPassword, openService } from '../../support/service.js'

/** What strangers can do to an account, and to other people in their network. */
const database = await openTestDatabase(t, { kind: 'embedded', embedded: { waitSeconds: 20 } })
const limited = { RATE_LIMIT_ENABLED: 'true' }
const app = await openService(t, database, limited)

const hour = 3600
const day = 24 * hour
const maxInNetwork = 30

let addresses = 0
const newAddress = () => {
  addresses += 1
  return `203.0.${addresses >> 8}.${addresses & 255}`
}
const person = (from = newAddress()) => newPerson(app, 'cookie', undefined, from)

interface Attempt {
  readonly password?: string
  readonly from?: string
  readonly device?: Client
}

function login(at: FastifyInstance, email: string, attempt: Attempt = {}) {
  const { password = 'wrong password', from = newAddress(), device } = attempt
  const [name, value] = device?.deviceCookie ?? []
  return at.inject({
    method: 'POST',
    url: '/login',
    remoteAddress: from,
    headers: name === undefined ? {} : { cookie: `${name}=${value}` },
    payload: { email, password, mode: 'body' }
  })
}

function expectLimited(t: Test, response: LightMyRequestResponse, seconds: number): void {
  expectProblem(t, response, 'too_many_requests')
  const wait = Number(response.headers['retry-after'])
  t.ok(wait > seconds - 100 && wait <= seconds, `Retry-After: ${wait}`)
}

/** Uses up the wrong passwords of one network, each at another account. */
async function spray(from: string): Promise<readonly LightMyRequestResponse[]> {
  const responses = []
  for (let guess = 0; guess < maxInNetwork; guess += 1) responses.push(await login(app, newEmail(), { from }))
  return responses
}

/** Guesses from ever new addresses until one is refused. Each step begins with a new instance, like after a restart. */
async function guessUntilRefused(t: Test, email: string) {
  const instance = await openService(t, database, limited)
  for (let wrong = 0; ; wrong += 1) {
    const response = await login(instance, email)
    if (response.statusCode === 401) continue
    // The first instance may know only the shorter pause that it counts in memory.
    const { statusCode, headers, body } = await login(await openService(t, database, limited), email)
    return { wrong, status: statusCode, wait: Number(headers['retry-after']), body }
  }
}

async function age(seconds: number): Promise<void> {
  const columns = ['last_at', 'resumes_at', 'expires_at'].map((time) => `${time} = ${time} - make_interval(secs => $1)`)
  await sql(database, `UPDATE guess_run SET ${columns.join(', ')}`, seconds)
}

t.test('after 30 wrong passwords a minute, at any accounts, the strangers in a network must wait', async (t) => {
  const from = newAddress()
  for (const response of await spray(from)) t.equal(response.statusCode, 401)
  expectLimited(t, await login(app, newEmail(), { from }), 60)
  t.equal((await login(app, newEmail())).statusCode, 401, 'another network is not limited')
})

t.test('an attacker in an office locks out nobody who has signed in before, and others for a minute', async (t) => {
  const office = newAddress()
  const { email, client } = await person(office)
  const colleague = await person(office)
  await spray(office)
  t.equal((await login(app, email, { from: office, password: goodPassword, device: client })).statusCode, 200)
  t.equal((await login(app, email, { from: office, device: client })).statusCode, 401, 'also with a wrong password')
  expectLimited(t, await login(app, email, { from: office, password: goodPassword }), 60)
  const other = { from: office, password: goodPassword, device: colleague.client }
  expectLimited(t, await login(app, email, other), 60)
})

t.test('right passwords do not count: a whole office can sign in on new devices', async (t) => {
  const from = newAddress()
  const people = [await person(), await person(), await person()]
  for (let round = 0; round < maxInNetwork / 2; round += 1) {
    for (const { email } of people) {
      t.equal((await login(app, email, { from, password: goodPassword })).statusCode, 200)
    }
  }
})

t.test('in a network that has used up its guesses, strangers cost no query', async (t) => {
  let queries = 0
  const counting: Database = {
    ...database,
    run: (operation) => {
      queries += 1
      return database.run(operation)
    }
  }
  const instance = await openService(t, counting, limited)
  const from = newAddress()
  for (let guess = 0; guess < maxInNetwork; guess += 1) await login(instance, newEmail(), { from })
  const before = queries
  t.ok(before >= maxInNetwork)
  for (let guess = 0; guess < 10; guess += 1) expectLimited(t, await login(instance, newEmail(), { from }), 60)
  t.equal(queries, before)
})

t.test(
  'an account, known or not, allows 100 wrong guesses in a row, with ever longer pauses, then 5 a day',
  async (t) => {
    const { email, client } = await person()
    const unknown = newEmail()
    const steps = [
      { wrong: 25, pause: hour / 4 },
      { wrong: 25, pause: hour },
      { wrong: 25, pause: 6 * hour },
      { wrong: 25, pause: day },
      { wrong: 5, pause: day }
    ]
    for (const { wrong, pause } of steps) {
      const [known, other] = [await guessUntilRefused(t, email), await guessUntilRefused(t, unknown)]
      t.match(known, { wrong, status: 429 })
      t.match(other, { wrong, status: 429, body: known.body })
      for (const { wait } of [known, other]) t.ok(wait > pause - 100 && wait <= pause, `Retry-After: ${wait}`)
      await age(pause)
    }
    await guessUntilRefused(t, email)
    const restarted = await openService(t, database, limited)
    expectLimited(t, await login(restarted, email, { password: goodPassword }), day)
    t.equal((await login(restarted, email, { password: goodPassword, device: client })).statusCode, 200)
    t.equal((await login(restarted, email, { password: goodPassword })).statusCode, 200, 'that login ended the row')
    t.match(await guessUntilRefused(t, email), { wrong: 25 }, 'the count begins at 0 again')
  }
)

t.test('an account of an older release that two addresses find has one count of guesses in a row', async (t) => {
  const email = newEmail().replace('example', 'faß')
  const older = email.replace('faß', 'fass')
  await new Client(app, newAddress()).signIn(email)
  await sql(database, 'UPDATE "user" SET email_key = $1 WHERE email = $2', older, email)
  t.match(await guessUntilRefused(t, email), { wrong: 25 })
  t.match(await guessUntilRefused(t, older), { wrong: 0, status: 429 })
  await age(hour / 4)
  t.equal((await login(app, older, { password: goodPassword })).statusCode, 200)
  t.match(await guessUntilRefused(t, email), { wrong: 25 }, 'a login by the one resets the count of the other')
})

t.test(
  'any right password resets the count of wrong ones, and a wrong one of a known device does not add to it',
  async (t) => {
    const { email, client } = await person()
    const failures = async () => (await sql<{ failures: number }>(database, 'SELECT failures FROM guess_run')).length
    const before = await failures()
    await login(app, email)
    t.equal(await failures(), before + 1)
    t.equal((await login(app, email, { password: goodPassword })).statusCode, 200)
    t.equal(await failures(), before)
    await login(app, email, { device: client })
    t.equal(await failures(), before)
  }
)

t.test('two instances share one count of guesses in a row, also of simultaneous ones', async (t) => {
  const instances = [await openService(t, database, limited), await openService(t, database, limited)]
  const { email } = await person()
  const guesses = instances.flatMap((instance) => Array.from({ length: 25 }, () => login(instance, email)))
  const statuses = (await Promise.all(guesses)).map(({ statusCode }) => statusCode)
  t.equal(statuses.filter((status) => status === 401).length, 25)
  t.equal(statuses.filter((status) => status === 429).length, 25)
})

t.test('the database keeps no e-mail address of a guess, not even as a hash that can be recomputed', async (t) => {
  const email = newEmail()
  const keysBefore = new Set((await sql<{ key: string }>(database, 'SELECT key FROM guess_run')).map(({ key }) => key))
  await login(app, email)
  const keys = (await sql<{ key: string }>(database, 'SELECT key FROM guess_run')).map(({ key }) => key)
  const [added] = keys.filter((key) => !keysBefore.has(key))
  t.match(added, /^[\w-]{43}$/)
  const otherSecret = await openTestDatabase(t, { kind: 'embedded' })
  const other = await openService(t, otherSecret, {
    ...limited,
    ROOT_SECRET: 'another root secret of more than 32 bytes'
  })
  await login(other, email)
  t.not((await sql<{ key: string }>(otherSecret, 'SELECT key FROM guess_run'))[0]?.key, added)
})

t.test(
  'one network can log in to one account 100 times in a quarter of an hour, another network still can',
  async (t) => {
    const { email, client } = await person()
    const attempt = { from: newAddress(), password: goodPassword, device: client }
    for (let count = 0; count < 100; count += 1) {
      if ((await login(app, email, attempt)).statusCode !== 200) t.fail(`login ${count + 1} is refused`)
    }
    expectLimited(t, await login(app, email, attempt), 900)
    t.equal((await login(app, email, { ...attempt, from: newAddress() })).statusCode, 200)
  }
)

/** Guesses in a session until a pause: in the database, not in the memory of one instance. */
async function guessInSession(t: Test, { accessToken }: Client) {
  const headers = { authorization: `Bearer ${accessToken}` }
  for (let wrong = 0; wrong < 50; ) {
    // A new instance has counted nothing in its own memory.
    const instance = await openService(t, database, limited)
    for (let guess = 0; guess < 10; guess += 1) {
      const payload = { password: 'wrong password' }
      const response = await instance.inject({ method: 'POST', url: '/reauthenticate', headers, payload })
      if (response.statusCode !== 401) return { wrong, wait: Number(response.headers['retry-after']) }
      wrong += 1
    }
  }
  throw new Error('No guess in the session was refused.')
}

t.test('a thief of a session has 100 wrong guesses in a row too, then 5 a day', async (t) => {
  const long = await openService(t, database, { ...limited, ACCESS_TOKEN_TTL_SECONDS: '3600' })
  const owner = await newPerson(long, 'cookie', undefined, newAddress())
  const thief = owner.client
  for (const [wrong, pause] of [
    [25, hour / 4],
    [25, hour],
    [25, 6 * hour],
    [25, day],
    [5, day]
  ] as const) {
    const refused = await guessInSession(t, thief)
    t.equal(refused.wrong, wrong)
    t.ok(refused.wait > pause - 100 && refused.wait <= pause, `Retry-After: ${refused.wait}`)
    await age(pause)
  }
  await guessInSession(t, thief)

  const restarted = await openService(t, database, limited)
  expectLimited(t, await login(restarted, owner.email, { password: goodPassword }), day)
  const ownersLogin = await login(restarted, owner.email, { password: goodPassword, device: thief })
  t.equal(ownersLogin.statusCode, 200, 'a known device gets in')
  const headers = { authorization: `Bearer ${ownersLogin.json().access_token}` }
  const payload = { password: goodPassword }
  const confirmed = await restarted.inject({ method: 'POST', url: '/reauthenticate', headers, payload })
  t.equal(confirmed.statusCode, 200, 'another session of the owner is not limited')
})

t.test(
  "strangers' guesses do not keep a signed-in owner from confirming the password, which resets both counts",
  async (t) => {
    const { email, client } = await person()
    await guessUntilRefused(t, email)
    const confirm = (password: string) => client.send('POST', '/reauthenticate', { payload: { password } })
    t.equal((await confirm('wrong password')).statusCode, 401)
    t.equal((await confirm(goodPassword)).statusCode, 200)
    const restarted = await openService(t, database, limited)
    t.equal((await login(restarted, email, { password: goodPassword })).statusCode, 200)
  }
)
