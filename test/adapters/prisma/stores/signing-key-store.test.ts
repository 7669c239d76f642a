import t from 'tap'
import { loadSigningKeys } from '../../../../src/adapters/keys/signing-keys.js'
import type { Database } from '../../../../src/adapters/prisma/database.js'
import { prismaSigningKeyStore } from '../../../../src/adapters/prisma/stores/signing-key-store.js'
import { rootSecrets } from '../../../../src/adapters/secrets/root-secrets.js'
import { systemEntropy } from '../../../../src/adapters/secrets/system.js'
import type { NewSigningKey } from '../../../../src/ports/keys.js'
import { openTestDatabase, sql, testDatabases } from '../../../support/database.js'

function newKey(number: number, rest: Partial<NewSigningKey> = {}): NewSigningKey {
  return {
    number,
    kid: `kid-${number}`,
    alg: 'ES256',
    publicJwk: { kty: 'EC', kid: `kid-${number}`, alg: 'ES256', use: 'sig', crv: 'P-256', x: 'x', y: 'y' },
    encryptedPrivateKey: Uint8Array.from({ length: 256 }, (_, i) => i),
    ...rest
  }
}

async function databaseNow(database: Database): Promise<number> {
  const [row] = await sql<{ now: number }>(database, 'SELECT now() AS "now"')
  return row?.now ?? Number.NaN
}

for (const kind of testDatabases(t)) {
  t.test(`signing keys in an ${kind} database`, async (t) => {
    const database = await openTestDatabase(t, { kind })
    const store = prismaSigningKeyStore(database)
    const clear = () => sql(database, 'DELETE FROM "signing_key"')

    await t.test('list returns a key as it was added; it signs already and does not retire', async (t) => {
      t.strictSame(await store.list(), [])
      t.equal(await store.add(newKey(2)), true)
      t.equal(await store.add(newKey(1, { alg: 'HS256', publicJwk: { kty: 'oct' } })), true)
      const [first, second] = await store.list()
      t.match(first, { number: 1, kid: 'kid-1', alg: 'HS256', retiresAt: null }, 'the smallest number first')
      t.match(second, { number: 2, kid: 'kid-2', alg: 'ES256', retiresAt: null })
      t.same(Buffer.from(second?.encryptedPrivateKey ?? ''), Buffer.from(newKey(2).encryptedPrivateKey))
      const age = (await databaseNow(database)) - (second?.signsFrom ?? 0)
      t.ok(
        age >= 60_000 && age < 120_000,
        `it has been signing for ${age} ms, so an instance whose clock is a little behind agrees`
      )
      const published = await sql<{ kty: string }>(
        database,
        `SELECT "public_jwk"->>'kty' AS "kty" FROM "signing_key" ORDER BY "number"`
      )
      t.strictSame(published, [{ kty: 'oct' }, { kty: 'EC' }])
    })

    await t.test('adding a number that exists changes nothing', async (t) => {
      t.equal(await store.add(newKey(2, { kid: 'another' })), false)
      t.strictSame(
        (await store.list()).map(({ kid }) => kid),
        ['kid-1', 'kid-2']
      )
    })

    await t.test('replaceEncryption changes that key only', async (t) => {
      await store.replaceEncryption(2, Uint8Array.from([1, 2, 3]))
      const [first, second] = await store.list()
      t.same(Buffer.from(second?.encryptedPrivateKey ?? ''), Buffer.from([1, 2, 3]))
      t.equal(first?.encryptedPrivateKey.length, 256)
    })

    await t.test('list returns when a key retires', async (t) => {
      await sql(database, 'UPDATE "signing_key" SET "retires_at" = to_timestamp(1800000000.5) WHERE "number" = 1')
      t.equal((await store.list())[0]?.retiresAt, 1_800_000_000_500)
    })

    await t.test('of ten concurrent adds of one number, one succeeds', async (t) => {
      await clear()
      const added = await Promise.all(Array.from({ length: 10 }, (_, i) => store.add(newKey(1, { kid: `kid-${i}` }))))
      t.equal(added.filter((won) => won).length, 1)
      t.strictSame(
        (await store.list()).map(({ kid }) => kid),
        [`kid-${added.indexOf(true)}`]
      )
    })

    await t.test('a rotation makes earlier keys retire no later than planned, and writes the event', async (t) => {
      await clear()
      for (const number of [1, 2, 3]) await store.add(newKey(number))
      await sql(database, `UPDATE "signing_key" SET "retires_at" = now() + interval '1 second' WHERE "number" = 1`)
      await sql(database, `UPDATE "signing_key" SET "retires_at" = now() + interval '1 day' WHERE "number" = 2`)
      const actor = { userId: '5f0c7a52-0d4c-4f6e-8a55-0a6d2f0d1b11', ip: '192.0.2.1', userAgent: 'a browser' }
      const plan = { signsInSeconds: 360, othersRetireInSeconds: 1020 }
      t.equal(await store.rotate(newKey(4), plan, 'scheduled', actor), true)
      const [first, second, third, next] = await store.list()
      const at = (next?.signsFrom ?? 0) - 360_000
      t.ok(Math.abs(at - (await databaseNow(database))) < 60_000, "the plan counts from the database's time")
      t.ok((first?.retiresAt ?? Number.NaN) <= at + 1000)
      t.equal(second?.retiresAt, at + 1_020_000)
      t.equal(third?.retiresAt, at + 1_020_000)
      t.equal(next?.retiresAt, null)
      const events = await sql(
        database,
        `SELECT "reason", "actor_id", "ip", "user_agent", "user_id", "session_id" FROM "event" WHERE "type" = 'signing_key_rotated'`
      )
      t.strictSame(events, [
        {
          reason: 'scheduled',
          actor_id: actor.userId,
          ip: actor.ip,
          user_agent: actor.userAgent,
          user_id: null,
          session_id: null
        }
      ])
    })

    await t.test('of ten concurrent rotations to one number, one succeeds and nine change nothing', async (t) => {
      await clear()
      await sql(database, 'DELETE FROM "event"')
      await store.add(newKey(1))
      const plan = (i: number) => ({ signsInSeconds: i, othersRetireInSeconds: i })
      const rotate = (i: number) => store.rotate(newKey(2, { kid: `kid-2-${i}` }), plan(i), 'requested', {})
      const won = await Promise.all(Array.from({ length: 10 }, (_, i) => rotate(i)))
      t.equal(won.filter((one) => one).length, 1)
      const [first, second] = await store.list()
      t.equal(second?.kid, `kid-2-${won.indexOf(true)}`)
      t.equal(first?.retiresAt, second?.signsFrom)
      t.equal((await sql(database, 'SELECT 1 FROM "event"')).length, 1)
    })

    await t.test('instances that start at the same time on an empty table share one key', async (t) => {
      await clear()
      const secrets = await rootSecrets({
        configured: ['s'.repeat(32)],
        dataDir: '',
        required: true,
        entropy: systemEntropy
      })
      const now = await databaseNow(database)
      const options = { store, secrets, alg: 'ES256', entropy: systemEntropy, clock: { now: () => now } } as const
      const started = await Promise.all(Array.from({ length: 5 }, () => loadSigningKeys(options)))
      const again = await loadSigningKeys(options)
      t.equal((await store.list()).length, 1)
      for (const keys of started) t.strictSame(keys, again)
    })
  })
}
