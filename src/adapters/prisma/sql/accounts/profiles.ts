import type { Profile } from '../../../../core/profile.js'
import type { UserStore } from '../../../../ports/user-store.js'
import { type Database, query } from '../../database.js'
import { Prisma } from '../../generated/client.js'
import { tables } from '../../tables.js'

/** `locale` has a column of its own, because statements that write mails read it. */
interface ProfileRow {
  readonly profile: Profile
  readonly locale: string | null
}

const profileColumns = Prisma.sql`u.profile, u.locale`

const toProfile = ({ profile, locale }: ProfileRow): Profile => ({ ...profile, ...(locale !== null && { locale }) })

/** The methods of a `UserStore` for profiles. */
export function profiles(database: Database): Pick<UserStore, 'findProfile' | 'changeProfile'> {
  return {
    async findProfile(id) {
      const [row] = await query<ProfileRow>(database)`
        SELECT ${profileColumns} FROM ${tables.user} u WHERE u.id = ${id}::uuid`
      return row && toProfile(row)
    },

    changeProfile(id, change) {
      return database.run((prisma) =>
        prisma.$transaction(async (prisma) => {
          const [row] = await prisma.$queryRaw<ProfileRow[]>`
            SELECT ${profileColumns} FROM ${tables.user} u WHERE u.id = ${id}::uuid FOR NO KEY UPDATE`
          if (row === undefined) return undefined
          const changed = change(toProfile(row))
          const { locale, ...profile } = changed
          await prisma.$executeRaw`
            UPDATE ${tables.user} u SET profile = ${JSON.stringify(profile)}::jsonb, locale = ${locale ?? null}::text
            WHERE u.id = ${id}::uuid`
          return changed
        })
      )
    }
  }
}
