import { createHash } from 'node:crypto'
import t from 'tap'
import { loadSigningKeys, reloadSigningKeys } from '../../../src/adapters/keys/signing-keys.js'
import { type RootSecrets, rootSecrets } from '../../../src/adapters/secrets/root-secrets.js'
import { systemEntropy } from '../../../src/adapters/secrets/system.js'
import { signingAlgorithms } from '../../../src/core/vocabulary.js'
import type { StoredSigningKey } from '../../../src/ports/keys.js'
import { memoryStore } from '../../support/adapters/signing-key-memory.js'

const entropy = systemEntropy
const signsFrom = 1_800_000_000_000
const clock = { now: () => signsFrom }

function secretsOf(...texts: string[]): Promise<RootSecrets> {
  return rootSecrets({ configured: texts.map((text) => text.padEnd(32)), dataDir: '', required: true, entropy })
}

t.test('the first start makes key number 1, and the next start uses it', async (t) => {
  const secrets = await secretsOf('one')
  for (const alg of signingAlgorithms) {
    const { store, rows } = memoryStore(clock)
    const made = await loadSigningKeys({ store, secrets, alg, entropy, clock })
    const found = await loadSigningKeys({ store, secrets, alg, entropy, clock })
    t.match(made, [{ number: 1, alg, signsFrom, retiresAt: null }])
    t.strictSame(found, made)
    t.equal(rows.length, 1)
  }
})

t.test('the published JWK is the public key, and an HS256 key has none', async (t) => {
  const secrets = await secretsOf('one')
  const membersOf = { ES256: ['crv', 'kty', 'x', 'y'], EdDSA: ['crv', 'kty', 'x'], RS256: ['e', 'kty', 'n'] }
  for (const alg of ['ES256', 'EdDSA', 'RS256'] as const) {
    const [key] = await loadSigningKeys({ store: memoryStore(clock).store, secrets, alg, entropy, clock })
    const jwk = key?.jwk
    t.strictSame(Object.keys(jwk ?? {}).sort(), ['alg', 'kid', 'use', ...membersOf[alg]].sort())
    t.match(jwk, { alg, use: 'sig', kid: key?.kid })
    const ordered = JSON.stringify(Object.fromEntries(membersOf[alg].map((name) => [name, jwk?.[name]])))
    t.equal(key?.kid, createHash('sha256').update(ordered).digest('base64url'), 'the kid is the thumbprint of RFC 7638')
  }
  const [first] = await loadSigningKeys({ store: memoryStore(clock).store, secrets, alg: 'HS256', entropy, clock })
  const [second] = await loadSigningKeys({ store: memoryStore(clock).store, secrets, alg: 'HS256', entropy, clock })
  t.equal(first?.jwk, undefined)
  t.equal(first?.signing.length, 32, '256 bits')
  t.notSame(first?.signing, second?.signing)
  t.notMatch(
    first?.kid,
    createHash('sha256')
      .update(Buffer.from(first?.signing ?? ''))
      .digest('base64url')
  )
})

t.test('the row does not hold the private key in plain form', async (t) => {
  const { store, rowAt } = memoryStore(clock)
  const [key] = await loadSigningKeys({ store, secrets: await secretsOf('one'), alg: 'HS256', entropy, clock })
  const row = Buffer.from(rowAt(0).encryptedPrivateKey)
  t.equal(row.length, 12 + 16 + 32)
  t.equal(row.indexOf(Buffer.from(key?.signing ?? 'x')), -1)
})

t.test('instances that start at once share one key', async (t) => {
  const { store, rows } = memoryStore(clock)
  const secrets = await secretsOf('one')
  const started = await Promise.all(
    Array.from({ length: 5 }, () => loadSigningKeys({ store, secrets, alg: 'ES256', entropy, clock }))
  )
  t.equal(rows.length, 1)
  t.equal(new Set(started.map(([key]) => key?.kid)).size, 1)
})

t.test('instances of different algorithms that start at once share one key', async (t) => {
  const { store, rows } = memoryStore(clock)
  const secrets = await secretsOf('one')
  const algorithms = ['ES256', 'HS256'] as const
  const started = await Promise.all(algorithms.map((alg) => loadSigningKeys({ store, secrets, alg, entropy, clock })))
  t.equal(rows.length, 1)
  t.strictSame(started[0], started[1])
})

t.test('a start with another algorithm does not change the keys at once', async (t) => {
  const { store } = memoryStore(clock)
  const secrets = await secretsOf('one')
  const before = await loadSigningKeys({ store, secrets, alg: 'ES256', entropy, clock })
  t.strictSame(await loadSigningKeys({ store, secrets, alg: 'EdDSA', entropy, clock }), before)
})

t.test('if every key has retired, the next key signs at once', async (t) => {
  const { store, change, rows } = memoryStore(clock)
  const secrets = await secretsOf('one')
  await loadSigningKeys({ store, secrets, alg: 'ES256', entropy, clock })
  change(0, { retiresAt: signsFrom })
  await t.rejects(loadSigningKeys({ store, secrets: await secretsOf('two'), alg: 'ES256', entropy, clock }), {
    name: 'RootSecretError'
  })
  t.equal(rows.length, 1)
  const keys = await loadSigningKeys({ store, secrets, alg: 'ES256', entropy, clock })
  t.match(keys, [{ number: 2, signsFrom, retiresAt: null }])
  t.equal(keys.length, 1)
})

t.test('a reload returns new keys and changed times, and drops retired keys', async (t) => {
  const { store, change, rows } = memoryStore(clock)
  const options = { store, secrets: await secretsOf('one'), alg: 'ES256', entropy, clock } as const
  const [first] = await loadSigningKeys(options)
  const other = memoryStore(clock)
  await loadSigningKeys({ ...options, store: other.store })
  rows.push({ ...other.rowAt(0), number: 2 })
  change(0, { retiresAt: signsFrom + 1 })
  const keys = await reloadSigningKeys(options, first ? [first] : [])
  t.match(keys, [
    { number: 1, kid: first?.kid, retiresAt: signsFrom + 1 },
    { number: 2, kid: other.rowAt(0).kid }
  ])
  change(0, { retiresAt: signsFrom })
  t.strictSame(await reloadSigningKeys(options, keys), keys.slice(1))
})

t.test('a reload leaves out a key that only a newer root secret decrypts', async (t) => {
  const { store, change, rows } = memoryStore(clock)
  const options = { store, secrets: await secretsOf('old'), alg: 'ES256', entropy, clock } as const
  const known = await loadSigningKeys(options)
  await loadSigningKeys({ ...options, secrets: await secretsOf('new', 'old') })
  const other = memoryStore(clock)
  await loadSigningKeys({ ...options, store: other.store, secrets: await secretsOf('new', 'old') })
  rows.push({ ...other.rowAt(0), number: 2 })
  change(0, { retiresAt: signsFrom + 1 })
  const keys = await reloadSigningKeys(options, known)
  t.strictSame(
    keys,
    known.map((key) => ({ ...key, retiresAt: signsFrom + 1 }))
  )
})

t.test('with another root secret the start is refused and no key is added', async (t) => {
  const { store, rows } = memoryStore(clock)
  await loadSigningKeys({ store, secrets: await secretsOf('one'), alg: 'ES256', entropy, clock })
  const stranger = await secretsOf('two')
  for (const alg of ['ES256', 'EdDSA'] as const) {
    await t.rejects(loadSigningKeys({ store, secrets: stranger, alg, entropy, clock }), {
      name: 'RootSecretError',
      message: /belongs to another ROOT_SECRET/
    })
  }
  t.equal(rows.length, 1)
})

t.test('the root secret can be changed by the steps "old,new", "new,old" and "new"', async (t) => {
  const { store } = memoryStore(clock)
  const before = await loadSigningKeys({ store, secrets: await secretsOf('old'), alg: 'ES256', entropy, clock })
  const ready = await loadSigningKeys({ store, secrets: await secretsOf('old', 'new'), alg: 'ES256', entropy, clock })
  const during = await loadSigningKeys({ store, secrets: await secretsOf('new', 'old'), alg: 'ES256', entropy, clock })
  const beside = await loadSigningKeys({ store, secrets: await secretsOf('new', 'old'), alg: 'ES256', entropy, clock })
  const after = await loadSigningKeys({ store, secrets: await secretsOf('new'), alg: 'ES256', entropy, clock })
  t.strictSame(ready, before)
  t.strictSame(during, before)
  t.strictSame(beside, before)
  t.strictSame(after, before)
})

t.test('a changed row refuses the start', async (t) => {
  const secrets = await secretsOf('one')
  const { store, change, rowAt } = memoryStore(clock)
  await loadSigningKeys({ store, secrets, alg: 'RS256', entropy, clock })
  const sound = rowAt(0)
  const flipped = Uint8Array.from(sound.encryptedPrivateKey)
  flipped[40] = (flipped[40] ?? 0) ^ 1
  const faults: Partial<StoredSigningKey>[] = [
    { alg: 'HS256' },
    { kid: 'another' },
    { encryptedPrivateKey: flipped },
    { encryptedPrivateKey: sound.encryptedPrivateKey.slice(0, 20) },
    { encryptedPrivateKey: new Uint8Array() }
  ]
  for (const fault of faults) {
    change(0, { ...sound, ...fault })
    await t.rejects(loadSigningKeys({ store, secrets, alg: 'RS256', entropy, clock }), { name: 'RootSecretError' })
  }
  change(0, { ...sound, alg: 'none' })
  await t.rejects(loadSigningKeys({ store, secrets, alg: 'RS256', entropy, clock }), { message: /is for none/ })
})
