import type { Email } from '../../../../core/email.js'
import type { UnconfirmedOutcome, UserStore } from '../../../../ports/user-store.js'
import type { UserWithPassword } from '../../../../ports/users.js'
import type { Database } from '../../database.js'
import { Prisma } from '../../generated/client.js'
import { tables } from '../../tables.js'
import { userColumns } from '../fragments.js'
import { insertMadeLink, isReserved } from '../recovery/links.js'
import { insertUser } from './create-user.js'

type RegisteredRow = UserWithPassword & { readonly isAwaiting: boolean }

/**
 * The methods of a `UserStore` that add an account together with a link. `olderKeyOf` returns the key under which an
 * older release stored the account of an address; undefined if there is none.
 */
export function registrations(
  database: Database,
  olderKeyOf: (email: Email) => Promise<string | undefined>
): Pick<UserStore, 'createWithLink' | 'registerUnconfirmed'> {
  return {
    async createWithLink(user, made, actor) {
      if ((await olderKeyOf(user.email)) !== undefined) return 'email_taken'
      return database.run((prisma) =>
        prisma.$transaction(async (prisma) => {
          const created = await insertUser(prisma, user, actor)
          if (created === undefined) return 'email_taken'
          await prisma.$queryRaw`${insertMadeLink(made, actor)}`
          return created
        })
      )
    },

    async registerUnconfirmed({ id, email, passwordHash, roles, locale }, confirm, actor) {
      const key = (await olderKeyOf(email)) ?? email.key
      // A taken account is updated too, to the same values: writing its row takes as long as adding a new one.
      const isAwaiting = Prisma.sql`(u.awaits_confirmation AND u.disabled_at IS NULL)`
      const replaced = (column: Prisma.Sql) =>
        Prisma.sql`${column} = CASE WHEN ${isAwaiting} THEN excluded.${column} ELSE u.${column} END`
      return database.run((prisma) =>
        prisma.$transaction(async (prisma) => {
          const [row] = await prisma.$queryRaw<RegisteredRow[]>`
            INSERT INTO ${tables.user} AS u (id, email, email_key, password_hash, roles, locale, awaits_confirmation, has_signed_in)
            SELECT ${id}::uuid, ${email.address}, ${key}, ${passwordHash}, ${[...roles]}::text[], ${locale ?? null}, true, false
            WHERE NOT ${isReserved(email.key, id)}
            ON CONFLICT (email_key) DO UPDATE
              SET ${replaced(Prisma.sql`email`)}, ${replaced(Prisma.sql`password_hash`)}, ${replaced(Prisma.sql`locale`)}
            RETURNING ${userColumns}, u.password_hash AS "passwordHash", ${isAwaiting} AS "isAwaiting"`
          const outcome = outcomeOf(row, id)
          await prisma.$queryRaw`${insertMadeLink(confirm(row && accountOf(row), outcome), actor)}`
          return outcome
        })
      )
    }
  }
}

function outcomeOf(row: RegisteredRow | undefined, newId: string): UnconfirmedOutcome {
  if (row?.id === newId) return 'registered'
  return row?.isAwaiting === true ? 'registered_again' : 'taken'
}

function accountOf({ isAwaiting: _, ...account }: RegisteredRow): UserWithPassword {
  return account
}
