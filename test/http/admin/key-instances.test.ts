import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { openServerDatabase } from '../../../src/adapters/prisma/server/server-database.js'
import { buildApp } from '../../../src/app.js'
import { loadConfig } from '../../../src/config/read-config.js'
import type { Overrides } from '../../../src/overrides.js'
import { serverUrl, testSchema } from '../../support/database.js'
import { signInAdmin } from '../../support/http/admin.js'
import { Client, goodPassword, testEnvironment } from '../../support/service.js'

const skip = serverUrl === undefined && 'TEST_DATABASE_URL is not set'

/** Two instances on one database server, each with its own pool, and an admin client of the first. */
async function openTwoInstances(t: Test, keyTiming: Overrides['keyTiming'] = {}) {
  const url = await testSchema(t)
  const admins = { ADMIN_EMAIL: 'ops@example.org', ADMIN_PASSWORD: goodPassword }
  const config = loadConfig({ ...testEnvironment, ...admins, ACCESS_TOKEN_TTL_SECONDS: '600' })
  const open = async () => {
    const database = await openServerDatabase({ url, poolSize: 5 })
    t.teardown(() => database.close())
    const app = await buildApp(config, { database, keyTiming })
    t.teardown(() => app.close())
    return app
  }
  const one = await open()
  const other = await open()
  return { one, other, admin: await signInAdmin(one) }
}

const kidOf = (token: string): string => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid
const refresh = (client: Client) =>
  client.send('POST', '/refresh', { bearer: false, payload: { refresh_token: client.refreshToken } })

t.test('a key rotation at one instance applies to the other', { skip }, async (t) => {
  const { one, other, admin } = await openTwoInstances(t)
  const { keys } = (await admin.send('POST', '/admin/keys/rotate', { payload: {} })).json()
  const published = async () => (await other.inject('/.well-known/jwks.json')).json().keys
  for (let i = 0; i < 1000 && (await published()).length < 2; i += 1) await delay(5)
  t.strictSame(await published(), (await one.inject('/.well-known/jwks.json')).json().keys)
  const second = await signInAdmin(other)
  t.strictSame((await second.send('GET', '/admin/keys')).json().keys, keys)
  t.equal((await second.send('POST', '/admin/keys/rotate', { payload: {} })).json().rotated, false)
})

t.test(
  'an emergency rotation at one instance makes the other refuse old tokens within a second',
  { skip },
  async (t) => {
    const { other, admin } = await openTwoInstances(t)
    const there = Object.assign(new Client(other), { accessToken: admin.accessToken, refreshToken: admin.refreshToken })
    t.equal((await there.send('GET', '/me')).statusCode, 200)
    t.equal((await admin.send('POST', '/admin/keys/rotate', { payload: { revoke_old: true } })).statusCode, 200)
    t.equal((await admin.send('GET', '/me')).statusCode, 401)
    const revoked = performance.now()
    while ((await there.send('GET', '/me')).statusCode === 200 && performance.now() - revoked < 5000) await delay(1)
    const took = performance.now() - revoked
    t.comment(`refused at the other instance after ${took.toFixed(1)} ms`)
    t.ok(took < 1000)
    t.equal((await there.send('GET', '/me')).statusCode, 401)
    t.equal((await refresh(there)).statusCode, 200, 'the session continues')
    for (const client of [there, Object.assign(admin, { accessToken: there.accessToken })])
      t.equal((await client.send('GET', '/me')).statusCode, 200)
  }
)

t.test('no request fails during ten rotations while both instances sign and verify', { skip }, async (t) => {
  const { one, other, admin } = await openTwoInstances(t, { publishLeadSeconds: 0.7 })
  const failures: string[] = []
  const kids = new Set<string>()
  let requests = 0
  let over = false
  const busy = [one, other].map(async (app, i) => {
    const signer = new Client(app)
    const verifier = new Client(i === 0 ? other : one)
    await signer.signIn(`person${i}@example.org`, { mode: 'body' })
    while (!over) {
      const answers = [await refresh(signer)]
      kids.add(kidOf(signer.accessToken))
      for (const client of [signer, Object.assign(verifier, { accessToken: signer.accessToken })])
        answers.push(await client.send('GET', '/me'))
      requests += answers.length
      for (const { statusCode, body } of answers) if (statusCode !== 200) failures.push(`${statusCode} ${body}`)
      await delay(2)
    }
  })
  const first = admin.accessToken
  for (let rotation = 1; rotation <= 10; rotation += 1) {
    t.equal((await admin.send('POST', '/admin/keys/rotate', { payload: {} })).json().rotated, true)
    for (let i = 0; i < 400 && kids.size <= rotation; i += 1) await delay(10)
  }
  over = true
  await Promise.all(busy)
  t.comment(`${requests} requests`)
  t.strictSame(failures, [])
  t.equal(kids.size, 11)
  t.equal(kidOf(first), kidOf(admin.accessToken), 'the first token of all')
  for (const app of [one, other])
    t.equal((await app.inject({ url: '/me', headers: { authorization: `Bearer ${first}` } })).statusCode, 200)
})
