import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { openKeyRing } from '../../../src/adapters/keys/key-ring.js'
import type { NoticeHandlers } from '../../../src/adapters/notices/notices.js'
import { rootSecrets } from '../../../src/adapters/secrets/root-secrets.js'
import { systemEntropy } from '../../../src/adapters/secrets/system.js'
import type { AccessClaims } from '../../../src/core/access-claims.js'
import { Unavailable } from '../../../src/ports/errors.js'
import { memoryStore } from '../../support/adapters/signing-key-memory.js'

const entropy = systemEntropy
const identity = { issuer: 'https://auth.example', audiences: ['https://api.example'] }
const claims: AccessClaims = {
  iss: identity.issuer,
  aud: 'https://api.example',
  sub: '5f0c7a52-0d4c-4f6e-8a55-0a6d2f0d1b11',
  sid: '0189f7a4-6d3c-4c55-9b1e-2f60718293a4',
  jti: 'b3f6b0a2-94de-47f0-a9ee-0f8f6cf2f0d3',
  client_id: 'latchkey',
  iat: 1_800_000_000,
  exp: 1_800_000_600,
  auth_time: 1_800_000_000,
  amr: ['pwd'],
  roles: []
}
const never = 3_600_000

/** Instances over one store. The test sends each its notices. */
async function play(t: Test) {
  const time = { now: 1_800_000_000_000 }
  const clock = { now: () => time.now }
  const memory = memoryStore(clock)
  const world = { reads: 0, readable: true }
  const store = {
    ...memory.store,
    list() {
      world.reads += 1
      if (!world.readable) throw new Unavailable('away')
      return memory.store.list()
    }
  }
  const secrets = await rootSecrets({ configured: ['s'.repeat(32)], dataDir: '', required: true, entropy })
  const settings = { alg: 'ES256', publishLeadSeconds: 360, accessTokenTtlSeconds: 600 } as const
  async function instance({
    checkMilliseconds = never,
    reachable = true,
    rotationDays = undefined as number | undefined
  } = {}) {
    let notices: NoticeHandlers | undefined
    const ring = await openKeyRing({
      store,
      secrets,
      entropy,
      clock,
      identity,
      settings,
      rotationDays,
      checkMilliseconds,
      async notices(handlers) {
        if (!reachable) throw new Error('away')
        notices = handlers
        return { ping: async () => {}, close: async () => {} }
      }
    })
    t.teardown(ring.close)
    await delay(20)
    return { ...ring, notice: () => notices?.onNotice() }
  }
  return { ...memory, world, time, instance }
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !condition(); i += 1) await delay(5)
}

t.test('on a notice an instance reads new keys and drops retired ones', async (t) => {
  const { instance } = await play(t)
  const [one, other] = [await instance(), await instance()]
  const before = await other.accessTokens.sign(claims)
  await one.signingKeys.rotate('revoke_old', {})
  const token = await one.accessTokens.sign(claims)
  const followed: string[][] = []
  const unfollow = other.accessTokens.followKeys(() =>
    followed.push(other.accessTokens.jwks().keys.map(({ kid }) => kid))
  )
  other.notice()
  await until(() => other.accessTokens.open(token) !== undefined)
  t.strictSame(other.accessTokens.open(token), claims)
  t.equal(other.accessTokens.open(before), undefined)
  const kids = one.accessTokens.jwks().keys.map(({ kid }) => kid)
  t.strictSame(followed.at(-1), kids, 'followers are called')
  unfollow()
  const { length } = followed
  other.notice()
  await delay(20)
  t.equal(followed.length, length)
  t.strictSame(other.accessTokens.jwks(), one.accessTokens.jwks())
})

t.test('a token of an unknown key makes an instance read the keys, at most once in five seconds', async (t) => {
  const { instance, world, time } = await play(t)
  const [one, other] = [await instance(), await instance()]
  await one.signingKeys.rotate('revoke_old', {})
  const token = await one.accessTokens.sign(claims)
  const reads = world.reads
  for (let i = 0; i < 100; i += 1) other.accessTokens.open(i % 2 === 0 ? `${i}.x.x` : token)
  await until(() => other.accessTokens.open(token) !== undefined)
  t.strictSame(other.accessTokens.open(token), claims)
  t.equal(world.reads, reads + 1)
  time.now += 5000
  other.accessTokens.open('x.x.x')
  t.equal(world.reads, reads + 2)
})

t.test('sign reads the keys before it throws Unavailable', async (t) => {
  const { instance, change, time } = await play(t)
  const [one, other] = [await instance(), await instance()]
  change(0, { retiresAt: time.now + 1 })
  other.notice()
  await delay(20)
  await one.signingKeys.rotate('requested', {})
  time.now += 360_000
  const laterClaims = { ...claims, iat: time.now / 1000 }
  t.ok(await other.accessTokens.sign(laterClaims))
  change(1, { retiresAt: time.now })
  other.notice()
  await delay(20)
  await t.rejects(other.accessTokens.sign(laterClaims), new Unavailable('No signing key is in force'))
})

t.test('while the keys cannot be read, the known keys stay in use', async (t) => {
  const { instance, world } = await play(t)
  const one = await instance()
  world.readable = false
  one.notice()
  await delay(20)
  t.strictSame(one.accessTokens.open(await one.accessTokens.sign(claims)), claims)
  await t.rejects(one.signingKeys.rotate('requested', {}), { name: 'Unavailable' })
})

t.test('without a subscription the keys are read every second', async (t) => {
  const { instance } = await play(t)
  const [one, other] = [await instance(), await instance({ reachable: false })]
  const before = await other.accessTokens.sign(claims)
  await one.signingKeys.rotate('revoke_old', {})
  await until(() => other.accessTokens.open(before) === undefined)
  t.equal(other.accessTokens.open(before), undefined)
})

t.test('every check reads the keys and rotates if due', async (t) => {
  const { instance, time, causes, change } = await play(t)
  const one = await instance({ checkMilliseconds: 10, rotationDays: 1 })
  change(0, { signsFrom: time.now - 86_400_000 })
  await until(() => one.accessTokens.jwks().keys.length === 2)
  t.equal(one.accessTokens.jwks().keys.length, 2)
  t.strictSame(causes, ['scheduled'])
})
