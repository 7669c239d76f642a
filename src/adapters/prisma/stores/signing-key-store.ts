import type { SigningKeyStore } from '../../../ports/keys.js'
import type { Database } from '../database.js'
import { Prisma } from '../generated/client.js'
import { by, eventTarget } from '../sql/ending-sessions.js'
import { clock, seconds } from '../sql/session-rows.js'

/** The signing keys in table `signing_key`, whose primary key lets only one instance make each number. */
export function prismaSigningKeyStore(database: Database): SigningKeyStore {
  return {
    async list() {
      const rows = await database.run((prisma) => prisma.signingKey.findMany({ orderBy: { number: 'asc' } }))
      return rows.map(({ number, kid, alg, encryptedPrivateKey, createdAt, signsFrom, retiresAt }) => ({
        number,
        kid,
        alg,
        encryptedPrivateKey,
        createdAt: createdAt.getTime(),
        signsFrom: signsFrom.getTime(),
        retiresAt: retiresAt?.getTime() ?? null
      }))
    },

    // A minute back, because an instance's estimate of the database's clock may be a little behind it.
    async add({ number, kid, alg, publicJwk, encryptedPrivateKey }) {
      const added = await database.run(
        (prisma) => prisma.$executeRaw`
          INSERT INTO "signing_key" ("number", "kid", "alg", "public_jwk", "encrypted_private_key", "signs_from")
          VALUES (${number}::int, ${kid}, ${alg}, ${JSON.stringify(publicJwk)}::jsonb, ${encryptedPrivateKey}, now() - interval '1 minute')
          ON CONFLICT ("number") DO NOTHING`
      )
      return added === 1
    },

    async rotate({ number, kid, alg, publicJwk, encryptedPrivateKey }, plan, cause, actor) {
      const othersRetireAt = Prisma.sql`${clock} + ${seconds(plan.othersRetireInSeconds)}`
      const added = await database.run(
        (prisma) => prisma.$queryRaw<unknown[]>`
          WITH added AS (
            INSERT INTO signing_key (number, kid, alg, public_jwk, encrypted_private_key, signs_from)
            VALUES (
              ${number}::int, ${kid}, ${alg}, ${JSON.stringify(publicJwk)}::jsonb, ${encryptedPrivateKey},
              ${clock} + ${seconds(plan.signsInSeconds)}
            )
            ON CONFLICT (number) DO NOTHING
            RETURNING number
          ), ended AS (
            UPDATE signing_key k SET retires_at = ${othersRetireAt}
            FROM added WHERE k.number < added.number AND (k.retires_at IS NULL OR k.retires_at > ${othersRetireAt})
          ), noted AS (
            INSERT INTO ${eventTarget}
            SELECT 'signing_key_rotated', NULL, NULL, ${cause}, NULL, ${by(actor)} FROM added
          )
          SELECT number FROM added`
      )
      return added.length === 1
    },

    async replaceEncryption(number, encryptedPrivateKey) {
      await database.run((prisma) => prisma.signingKey.update({ where: { number }, data: { encryptedPrivateKey } }))
    }
  }
}
