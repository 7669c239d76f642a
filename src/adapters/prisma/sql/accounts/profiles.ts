import { type Profile, wantsNewDeviceNotice } from '../../../../core/profile.js'
import type { UserStore } from '../../../../ports/user-store.js'
import { type Database, query } from '../../database.js'
import { Prisma } from '../../generated/client.js'
import { tables } from '../../tables.js'
import { by, eventTarget } from '../audit-events.js'

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

    changeProfile(id, change, actor) {
      return database.run((prisma) =>
        prisma.$transaction(async (prisma) => {
          const [row] = await prisma.$queryRaw<ProfileRow[]>`
            SELECT ${profileColumns} FROM ${tables.user} u WHERE u.id = ${id}::uuid FOR NO KEY UPDATE`
          if (row === undefined) return undefined
          const before = toProfile(row)
          const changed = change(before)
          const isTurnedOff = wantsNewDeviceNotice(before) && !wantsNewDeviceNotice(changed)
          const { locale, ...profile } = changed
          await prisma.$executeRaw`
            WITH changed AS (
              UPDATE ${tables.user} u SET profile = ${JSON.stringify(profile)}::jsonb, locale = ${locale ?? null}::text
              WHERE u.id = ${id}::uuid
              RETURNING u.id
            )
            INSERT INTO ${eventTarget}
            SELECT 'notice_turned_off', id, NULL::uuid, 'new_device', NULL, ${by(actor)}
            FROM changed WHERE ${isTurnedOff}::boolean`
          return changed
        })
      )
    }
  }
}
