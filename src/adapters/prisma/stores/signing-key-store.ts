import type { SigningKeyStore, StoredSigningKey } from '../../../ports/keys.js'
import { type Database, execute, query } from '../database.js'
import { Prisma } from '../generated/client.js'
import { by, eventTarget } from '../sql/audit-events.js'
import { clock, seconds } from '../sql/fragments.js'
import { tables } from '../tables.js'

/** Signing keys in PostgreSQL. The primary key of `signing_key` lets only one instance make each number. */
export function prismaSigningKeyStore(database: Database): SigningKeyStore {
  return {
    list() {
      return query<StoredSigningKey>(database)`
        SELECT number, kid, alg, encrypted_private_key AS "encryptedPrivateKey", created_at AS "createdAt",
          signs_from AS "signsFrom", retires_at AS "retiresAt"
        FROM ${tables.signingKey} ORDER BY number`
    },

    // The key signs from a minute ago: an instance's estimate of the database's clock may be a little behind.
    async add({ number, kid, alg, publicJwk, encryptedPrivateKey }) {
      const added = await execute(database)`
        INSERT INTO ${tables.signingKey} (number, kid, alg, public_jwk, encrypted_private_key, signs_from)
        VALUES (
          ${number}::int, ${kid}, ${alg}, ${JSON.stringify(publicJwk)}::jsonb, ${encryptedPrivateKey},
          ${clock} - ${seconds(60)}
        )
        ON CONFLICT (number) DO NOTHING`
      return added === 1
    },

    async rotate({ number, kid, alg, publicJwk, encryptedPrivateKey }, plan, cause, actor) {
      const othersRetireAt = Prisma.sql`${clock} + ${seconds(plan.othersRetireInSeconds)}`
      const added = await query<unknown>(database)`
        WITH added AS (
          INSERT INTO ${tables.signingKey} (number, kid, alg, public_jwk, encrypted_private_key, signs_from)
          VALUES (
            ${number}::int, ${kid}, ${alg}, ${JSON.stringify(publicJwk)}::jsonb, ${encryptedPrivateKey},
            ${clock} + ${seconds(plan.signsInSeconds)}
          )
          ON CONFLICT (number) DO NOTHING
          RETURNING number
        ), ended AS (
          UPDATE ${tables.signingKey} k SET retires_at = ${othersRetireAt}
          FROM added WHERE k.number < added.number AND (k.retires_at IS NULL OR k.retires_at > ${othersRetireAt})
        ), noted AS (
          INSERT INTO ${eventTarget}
          SELECT 'signing_key_rotated', NULL, NULL, ${cause}, NULL, ${by(actor)} FROM added
        )
        SELECT number FROM added`
      return added.length === 1
    },

    async replaceEncryption(number, encryptedPrivateKey) {
      await execute(database)`
        UPDATE ${tables.signingKey} SET encrypted_private_key = ${encryptedPrivateKey} WHERE number = ${number}::int`
    }
  }
}
