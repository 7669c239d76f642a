import t from 'tap'
import { keyRotation } from '../../../src/adapters/keys/key-rotation.js'
import { loadSigningKeys } from '../../../src/adapters/keys/signing-keys.js'
import { rootSecrets } from '../../../src/adapters/secrets/root-secrets.js'
import { systemEntropy } from '../../../src/adapters/secrets/system.js'
import type { SigningAlgorithm } from '../../../src/core/vocabulary.js'
import { memoryStore } from '../../support/adapters/signing-key-memory.js'

const entropy = systemEntropy
const day = 86_400_000

async function play(options: { readonly alg?: SigningAlgorithm; readonly rotationDays?: number } = {}) {
  const time = { now: 1_800_000_000_000 }
  const clock = { now: () => time.now }
  const memory = memoryStore(clock)
  const secrets = await rootSecrets({ configured: ['s'.repeat(32)], dataDir: '', required: true, entropy })
  const common = { store: memory.store, secrets, entropy, clock }
  await loadSigningKeys({ ...common, alg: 'ES256' })
  let refreshed = 0
  const instance = (alg: SigningAlgorithm = 'ES256', rotationDays?: number) =>
    keyRotation({
      ...common,
      settings: { alg, publishLeadSeconds: 360, accessTokenTtlSeconds: 600 },
      rotationDays,
      async refresh() {
        refreshed += 1
      }
    })
  const { alg, rotationDays } = options
  const rotation = instance(alg, rotationDays)
  return { ...memory, time, instance, rotation, refreshes: () => refreshed }
}

t.test('the instance that rotates reads the keys again', async (t) => {
  const { rotation, rows, refreshes } = await play()
  t.equal(await rotation.rotate('requested', {}), true)
  t.equal(rows.length, 2)
  t.equal(refreshes(), 1)
  t.equal(await rotation.rotate('requested', {}), false, 'the next key is already published')
  t.equal(rows.length, 2)
  t.equal(refreshes(), 1)
})

t.test('keys are listed newest first, without secrets', async (t) => {
  const { rotation } = await play()
  await rotation.rotate('requested', {})
  const keys = await rotation.list()
  t.strictSame(
    keys.map(({ number }) => number),
    [2, 1]
  )
  for (const key of keys)
    t.strictSame(Object.keys(key).sort(), ['alg', 'createdAt', 'kid', 'number', 'retiresAt', 'signsFrom'])
})

t.test('ten instances that rotate at once make one key', async (t) => {
  const { instance, rows } = await play()
  const made = await Promise.all(Array.from({ length: 10 }, () => instance().rotate('requested', {})))
  t.equal(rows.length, 2)
  t.equal(made.filter((one) => one).length, 1)
})

t.test('revoke_old takes effect even if another rotation runs at the same moment', async (t) => {
  const { instance, rows, time } = await play()
  await Promise.all([instance().rotate('requested', {}), instance().rotate('revoke_old', {})])
  const newest = rows.at(-1)
  const signs = (newest?.signsFrom ?? Number.NaN) <= time.now
  // Whichever rotation came first, the keys from before `revoke_old` have retired.
  const before = signs ? rows.slice(0, -1) : rows.slice(0, 1)
  t.ok(before.every(({ retiresAt }) => retiresAt === time.now))
  t.ok(rows.some(({ signsFrom, retiresAt }) => signsFrom <= time.now && (retiresAt === null || retiresAt > time.now)))
})

t.test('a scheduled rotation happens once, when the key has signed for rotationDays', async (t) => {
  const { rotation, time, rows, causes, instance } = await play({ rotationDays: 30 })
  time.now += 30 * day - 1
  await rotation.rotateWhenDue()
  t.equal(rows.length, 1)
  time.now += 1
  await Promise.all([rotation, instance('ES256', 30)].map((one) => one.rotateWhenDue()))
  await rotation.rotateWhenDue()
  t.strictSame(causes, ['scheduled'])
  time.now += 360_000 + 30 * day
  await rotation.rotateWhenDue()
  t.strictSame(causes, ['scheduled', 'scheduled'])
})

t.test('without rotationDays a key is never rotated by age', async (t) => {
  const { rotation, time, rows } = await play()
  time.now += 10_000 * day
  await rotation.rotateWhenDue()
  t.equal(rows.length, 1)
})

t.test('a key of another algorithm is published before it signs, and an instance asks for it once', async (t) => {
  const { rotation, instance, rows, causes, time } = await play({ alg: 'EdDSA' })
  const old = instance('ES256')
  await old.rotateWhenDue()
  await rotation.rotateWhenDue()
  t.match(rows, [{ alg: 'ES256' }, { alg: 'EdDSA', signsFrom: time.now + 360_000 }])
  time.now += 360_001
  await old.rotateWhenDue()
  await rotation.rotateWhenDue()
  t.strictSame(causes, ['algorithm_changed'], 'an instance with the old algorithm does not switch back')
  await old.rotate('requested', {})
  time.now += 360_001
  await rotation.rotateWhenDue()
  t.equal(
    rows.length,
    3,
    'an instance with the new algorithm accepts a key that an operator requested from an old instance'
  )
})

t.test('a change of algorithm waits while another key is published', async (t) => {
  const { rotation, instance, rows, time } = await play({ alg: 'HS256' })
  await instance('ES256').rotate('requested', {})
  await rotation.rotateWhenDue()
  t.equal(rows.length, 2)
  time.now += 360_001
  await rotation.rotateWhenDue()
  t.equal(rows.at(-1)?.alg, 'HS256')
})
