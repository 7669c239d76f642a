import type { Email } from '../../../../core/email.js'
import { registrationLifeSeconds } from '../../../../core/mail.js'
import { noPasswordHash } from '../../../../core/password-policy.js'
import type { UnconfirmedOutcome, UserStore } from '../../../../ports/user-store.js'
import type { AddressedUser, UserWithPassword } from '../../../../ports/users.js'
import { type Database, execute, query } from '../../database.js'
import { Prisma } from '../../generated/client.js'
import { tables } from '../../tables.js'
import { clock, isWaiting, seconds, userWithPasswordColumns } from '../fragments.js'
import { insertMadeLink, isReserved } from '../recovery/links.js'
import { isKept, orTaken } from '../recovery/taken-address.js'
import { insertUser } from './create-user.js'

/** Rolls the transaction back: the address was registered again since `findRegistration`. */
class RegisteredMeanwhile extends Error {}

/**
 * The methods of a `UserStore` for registrations by mail. `olderKeyOf` returns the key under which an older release stored
 * the account of an address; undefined if there is none.
 */
export function registrations(
  database: Database,
  olderKeyOf: (email: Email) => Promise<string | undefined>
): Pick<UserStore, 'createWithLink' | 'registerUnconfirmed' | 'findRegistration' | 'extendRegistration'> {
  return {
    async createWithLink(user, made, actor) {
      if ((await olderKeyOf(user.email)) !== undefined) return 'email_taken'
      return orTaken(
        database.run((prisma) =>
          prisma.$transaction(async (prisma) => {
            const created = await insertUser(prisma, user, actor)
            await prisma.$queryRaw`${insertMadeLink(made, actor)}`
            return created
          })
        )
      )
    },

    async registerUnconfirmed({ id, email, passwordHash, roles, locale }, { earlier, confirm }, actor) {
      const key = (await olderKeyOf(email)) ?? email.key
      // A taken account is updated too, to the same values: writing its row takes as long as adding a new one.
      const isSame = Prisma.sql`u.password_hash = ${earlier ?? null}`
      const registered = database.run((prisma) =>
        prisma.$transaction(async (prisma) => {
          const [account] = await prisma.$queryRaw<AddressedUser[]>`
            INSERT INTO ${tables.user} AS u (id, email, email_key, password_hash, roles, locale, awaits_confirmation, has_signed_in)
            SELECT ${id}::uuid, ${email.address}, ${key}, ${passwordHash}, ${[...roles]}::text[], ${locale ?? null}, true, false
            WHERE NOT ${isReserved(email.key, id)}
            ON CONFLICT (email_key) DO UPDATE SET password_hash = CASE
              WHEN NOT ${isWaiting} THEN u.password_hash
              WHEN ${isSame} THEN excluded.password_hash
              ELSE ${noPasswordHash(id)} END
            RETURNING ${userWithPasswordColumns}`
          const noted = await prisma.$queryRaw<unknown[]>`
            INSERT INTO ${tables.registration} AS r (email_key, password_hash, expires_at)
            VALUES (${email.key}, ${passwordHash}, ${clock} + ${seconds(registrationLifeSeconds)})
            ON CONFLICT (email_key) DO UPDATE SET password_hash = excluded.password_hash, expires_at = excluded.expires_at
            WHERE r.password_hash = ${earlier ?? null}
            RETURNING r.email_key`
          const outcome = outcomeOf(account, id)
          const isTakenMeanwhile = (await isKept(prisma, email.key, id)) && outcome === 'registered'
          if (noted.length === 0 || isTakenMeanwhile) throw new RegisteredMeanwhile()
          await prisma.$queryRaw`${insertMadeLink(confirm(account, outcome), actor)}`
          return outcome
        })
      )
      return registered.catch((error: unknown) => {
        if (error instanceof RegisteredMeanwhile) return 'changed' as const
        throw error
      })
    },

    async findRegistration({ key }) {
      const [row] = await query<{ readonly passwordHash: string }>(database)`
        SELECT r.password_hash AS "passwordHash" FROM ${tables.registration} r WHERE r.email_key = ${key}`
      return row?.passwordHash
    },

    async extendRegistration({ key }) {
      await execute(database)`
        UPDATE ${tables.registration} SET expires_at = ${clock} + ${seconds(registrationLifeSeconds)}
        WHERE email_key = ${key}`
    }
  }
}

function outcomeOf(account: UserWithPassword | undefined, newId: string): UnconfirmedOutcome {
  if (account?.id === newId) return 'registered'
  return account?.awaitsConfirmation === true ? 'registered_again' : 'taken'
}
