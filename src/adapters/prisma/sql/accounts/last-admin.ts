import { adminRole } from '../../../../core/vocabulary.js'
import { Prisma } from '../../generated/client.js'
import { tables } from '../../tables.js'
import type { Statements } from '../end-sessions.js'
import { lockName } from '../named-lock.js'

const isEnabledAdmin = Prisma.sql`(u.roles @> ARRAY[${adminRole}]::text[] AND u.disabled_at IS NULL)`

/**
 * Whether the user is the only admin who is not disabled. The caller's transaction has locked the user's row, and removes
 * the role or the account. For admins such transactions run one after the other, on all instances: otherwise two of them
 * could each count on the admin that the other removes.
 */
export async function isLastAdmin(prisma: Statements, userId: string): Promise<boolean> {
  const isAdmin = Prisma.sql`EXISTS (SELECT 1 FROM ${tables.user} u WHERE u.id = ${userId}::uuid AND ${isEnabledAdmin})`
  const locked = await lockName(prisma, 'admins', isAdmin)
  if (locked.length === 0) return false
  const others = await prisma.$queryRaw<unknown[]>`
    SELECT 1 FROM ${tables.user} u WHERE u.id <> ${userId}::uuid AND ${isEnabledAdmin} LIMIT 1`
  return others.length === 0
}
