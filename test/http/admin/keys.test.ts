import { createPrivateKey, generateKeyPairSync, sign as signBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import type { Database } from '../../../src/adapters/prisma/database.js'
import { buildApp } from '../../../src/app.js'
import { type Environment, loadConfig } from '../../../src/config/read-config.js'
import { signingAlgorithms } from '../../../src/core/vocabulary.js'
import type { Overrides } from '../../../src/overrides.js'
import { openTestDatabase, sql, testDatabases } from '../../support/database.js'
import { signInAdmin } from '../../support/http/admin.js'
import { expectFieldErrors, expectProblem } from '../../support/http/contract-errors.js'
import { Client, goodPassword, testEnvironment } from '../../support/service.js'

interface KeyView {
  readonly kid: string | null
  readonly alg: string
  readonly state: string
  readonly created_at: string
  readonly signs_from: string
  readonly retires_at: string | null
}

/** The service with one key, and its admin. `age` shifts the key's times into the past, in seconds. */
async function openKeys(t: Test, database: Database, environment: Environment = {}, overrides: Overrides = {}) {
  await sql(database, 'DELETE FROM "signing_key"')
  await sql(database, 'DELETE FROM "event"')
  const admins = { ADMIN_EMAIL: 'ops@example.org', ADMIN_PASSWORD: goodPassword }
  const config = loadConfig({ ...testEnvironment, ...admins, ...environment })
  const app = await buildApp(config, { database, ...overrides })
  t.teardown(() => app.close())
  const admin = await signInAdmin(app)
  const keys = async (): Promise<KeyView[]> => (await admin.send('GET', '/admin/keys')).json().keys
  const rotate = (payload: object = {}) => admin.send('POST', '/admin/keys/rotate', { payload })
  const published = async (): Promise<string[]> =>
    (await app.inject('/.well-known/jwks.json')).json().keys.map(({ kid }: KeyView) => kid)
  const age = (seconds: number) =>
    sql(
      database,
      `UPDATE "signing_key" SET "signs_from" = "signs_from" - interval '${seconds} seconds',
      "retires_at" = "retires_at" - interval '${seconds} seconds'`
    )
  return { app, config, admin, age, keys, rotate, published }
}

/** Waits until `app` has read the keys and its active key has signed for at least `from` and less than `to` seconds. */
async function untilActiveKeyIs(app: FastifyInstance, from: number, to: number): Promise<void> {
  for (let i = 0; i < 500; i += 1) {
    const [, age] = /^latchkey_signing_key_age_seconds (.+)$/m.exec((await app.inject('/metrics')).body) ?? []
    if (Number(age) >= from && Number(age) < to) return
    await delay(10)
  }
}

const statesOf = (keys: readonly KeyView[]) => keys.map(({ state }) => state)
const headerOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
const secondsBetween = (from: string | undefined, to: string | null | undefined) =>
  Math.round((Date.parse(to ?? '') - Date.parse(from ?? '')) / 1000)
const withBearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` }, bearer: false })

const database = await openTestDatabase(t, { kind: 'embedded' })
const databases = [database]
if (testDatabases(t).includes('server')) databases.push(await openTestDatabase(t, { kind: 'server' }))

for (const on of databases) {
  for (const alg of on.kind === 'server' ? (['ES256'] as const) : signingAlgorithms) {
    t.test(`a rotation with ${alg} on the ${on.kind} database refuses no unexpired token`, async (t) => {
      const settings = [{ JWT_ALG: alg }, { keyTiming: { checkMilliseconds: 100 } }] as const
      const { app, admin, age, keys, rotate, published } = await openKeys(t, on, ...settings)
      const shown = async (...kids: (string | null | undefined)[]) =>
        t.strictSame(await published(), alg === 'HS256' ? [] : kids)
      const [first] = await keys()
      t.match(first, { alg, state: 'active', retires_at: null })
      const before = admin.accessToken

      const response = await rotate()
      t.equal(response.statusCode, 200)
      const { dry_run: dryRun, rotated, keys: during } = response.json()
      t.strictSame([dryRun, rotated, statesOf(during)], [false, true, ['published', 'active']])
      const [next, old] = during as KeyView[]
      t.equal(old?.kid, first?.kid)
      t.equal(secondsBetween(next?.created_at, next?.signs_from), 360)
      t.equal(secondsBetween(next?.signs_from, old?.retires_at), 660)
      await shown(next?.kid, first?.kid)

      await age(300)
      await untilActiveKeyIs(app, 360, 720)
      await admin.send('POST', '/refresh', { payload: { refresh_token: admin.refreshToken } })
      t.equal(headerOf(admin.accessToken).kid, first?.kid, 'the next key does not sign yet')
      const last = admin.accessToken
      for (const token of [before, last]) t.equal((await admin.send('GET', '/me', withBearer(token))).statusCode, 200)

      await age(62)
      await untilActiveKeyIs(app, 2, 60)
      const person = new Client(app)
      await person.signIn(`${alg.toLowerCase()}@example.org`)
      t.strictSame(headerOf(person.accessToken), { alg, typ: 'at+jwt', kid: next?.kid })
      t.strictSame(statesOf(await keys()), ['active', 'retiring'])
      await shown(next?.kid, first?.kid)
      for (const token of [before, last, person.accessToken])
        t.equal((await admin.send('GET', '/me', withBearer(token))).statusCode, 200)

      await age(664)
      const lastStatus = async () => (await admin.send('GET', '/me', withBearer(last))).statusCode
      for (let i = 0; i < 500 && (await lastStatus()) === 200; i += 1) await delay(10)
      for (const token of [before, last])
        expectProblem(t, await admin.send('GET', '/me', withBearer(token)), 'invalid_token')
      await shown(next?.kid)
      await admin.send('POST', '/refresh', { payload: { refresh_token: admin.refreshToken } })
      t.strictSame(statesOf(await keys()), ['active', 'retired'])
    })
  }
}

t.test('a second rotation while the next key waits changes nothing', async (t) => {
  const { rotate, keys } = await openKeys(t, database)
  t.equal((await rotate()).json().rotated, true)
  const waiting = await keys()
  const again = (await rotate()).json()
  t.strictSame([again.rotated, again.keys], [false, waiting])
  t.strictSame((await rotate({ dry_run: true })).json(), { dry_run: true, rotated: false, keys: waiting })
})

t.test('only one of several concurrent rotations is carried out', async (t) => {
  const { rotate, keys } = await openKeys(t, database)
  const answers = await Promise.all(Array.from({ length: 8 }, () => rotate()))
  t.strictSame([...new Set(answers.map(({ statusCode }) => statusCode))], [200])
  t.equal(answers.filter((answer) => answer.json().rotated).length, 1)
  t.equal((await keys()).length, 2)
})

t.test('a dry run shows the result and the times, and changes nothing', async (t) => {
  const { rotate, keys } = await openKeys(t, database)
  const before = await keys()
  const usual = (await rotate({ dry_run: true })).json()
  t.strictSame([usual.dry_run, usual.rotated, statesOf(usual.keys)], [true, true, ['published', 'active']])
  t.equal(usual.keys[0].kid, null)
  t.equal(secondsBetween(usual.keys[0].created_at, usual.keys[0].signs_from), 360)
  t.equal(secondsBetween(usual.keys[0].signs_from, usual.keys[1].retires_at), 660)
  const emergency = (await rotate({ dry_run: true, revoke_old: true })).json()
  t.strictSame(statesOf(emergency.keys), ['active', 'retired'])
  t.strictSame(await keys(), before)

  const real = (await rotate()).json()
  t.ok(Math.abs(Date.parse(real.keys[0].signs_from) - Date.parse(usual.keys[0].signs_from)) < 60_000)
})

t.test('an emergency rotation refuses every access token at once and keeps the sessions', async (t) => {
  const { app, admin, rotate, published, keys } = await openKeys(t, database)
  const person = new Client(app)
  await person.signIn('ada@example.org', { mode: 'body' })
  await rotate()
  const response = await rotate({ revoke_old: true })
  t.equal(response.statusCode, 200)
  t.strictSame(statesOf(response.json().keys), ['active', 'retired', 'retired'], 'the published key is retired too')
  for (const client of [admin, person]) {
    expectProblem(t, await client.send('GET', '/me'), 'invalid_token')
    const refreshed = await client.send('POST', '/refresh', { payload: { refresh_token: client.refreshToken } })
    t.equal(refreshed.statusCode, 200)
    t.equal((await client.send('GET', '/me')).statusCode, 200)
  }
  t.strictSame(await published(), [(await keys())[0]?.kid])
})

t.test('a rotation is in the event log with the admin who did it', async (t) => {
  const { admin, rotate } = await openKeys(t, database)
  await rotate({ dry_run: true })
  await rotate()
  await rotate()
  await rotate({ revoke_old: true })
  await admin.send('POST', '/refresh', { payload: { refresh_token: admin.refreshToken } })
  const { id } = (await admin.send('GET', '/me')).json()
  const { events } = (await admin.send('GET', '/admin/events?type=signing_key_rotated')).json()
  t.match(events, [
    { reason: 'revoke_old', actor_id: id, user_id: null, session_id: null },
    { reason: 'requested', actor_id: id }
  ])
  t.equal(events.length, 2)
})

t.test('a token signed by a foreign key is refused even with our kid, for every algorithm', async (t) => {
  const { admin, rotate } = await openKeys(t, database)
  await rotate()
  const [head = '', payload = ''] = admin.accessToken.split('.')
  const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const signature = signBytes('sha256', Buffer.from(`${head}.${payload}`), {
    key: createPrivateKey(foreign.export({ format: 'pem', type: 'pkcs8' })),
    dsaEncoding: 'ieee-p1363'
  })
  expectProblem(
    t,
    await admin.send('GET', '/me', withBearer(`${head}.${payload}.${signature.toString('base64url')}`)),
    'invalid_token'
  )
  const ed = generateKeyPairSync('ed25519').privateKey
  const swapped = Buffer.from(JSON.stringify({ ...headerOf(admin.accessToken), alg: 'EdDSA' })).toString('base64url')
  const edSignature = signBytes(null, Buffer.from(`${swapped}.${payload}`), ed).toString('base64url')
  expectProblem(t, await admin.send('GET', '/me', withBearer(`${swapped}.${payload}.${edSignature}`)), 'invalid_token')
  t.equal((await admin.send('GET', '/me')).statusCode, 200)
})

t.test(
  'a changed JWT_ALG is published first and signs later, and tokens of both algorithms are accepted',
  async (t) => {
    const { config, age, ...before } = await openKeys(t, database)
    const app = await buildApp({ ...config, jwtAlg: 'EdDSA' }, { database, keyTiming: { checkMilliseconds: 20 } })
    t.teardown(() => app.close())
    const admin = await signInAdmin(app)
    const keys = async (): Promise<KeyView[]> => (await admin.send('GET', '/admin/keys')).json().keys
    t.equal(headerOf(admin.accessToken).alg, 'ES256')
    for (let i = 0; i < 500 && (await keys()).length === 1; i += 1) await delay(10)
    t.strictSame(
      (await keys()).map(({ alg, state }) => [alg, state]),
      [
        ['EdDSA', 'published'],
        ['ES256', 'active']
      ]
    )
    await age(362)
    await untilActiveKeyIs(app, 2, 60)
    await admin.send('POST', '/refresh', { payload: { refresh_token: admin.refreshToken } })
    t.equal(headerOf(admin.accessToken).alg, 'EdDSA')
    t.equal((await admin.send('GET', '/me', withBearer(before.admin.accessToken))).statusCode, 200)
    t.equal((await admin.send('GET', '/me')).statusCode, 200)
  }
)

for (const payload of [{ revoke_old: 'yes' }, { revoke_old: 1 }, { dry_run: null }]) {
  t.test(`${JSON.stringify(payload)} is refused and rotates nothing`, async (t) => {
    const { rotate, keys } = await openKeys(t, database)
    const before = await keys()
    expectFieldErrors(t, await rotate(payload), Object.keys(payload))
    t.equal((await keys()).length, before.length)
  })
}
