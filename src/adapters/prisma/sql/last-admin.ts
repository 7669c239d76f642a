import { adminRole } from '../../../core/vocabulary.js'
import { Prisma } from '../generated/client.js'
import { tables } from '../tables.js'
import type { Statements } from './end-sessions.js'

const isEnabledAdmin = Prisma.sql`(u.roles @> ARRAY[${adminRole}]::text[] AND u.disabled_at IS NULL)`

/**
 * Whether the user is the only admin who is not disabled. The caller's transaction has locked the user's row, and removes
 * the role or the account. For admins such transactions run one after the other, on all instances: otherwise two of them
 * could each count on the admin that the other removes.
 */
export async function isLastAdmin(prisma: Statements, userId: string): Promise<boolean> {
  const locked = await prisma.$queryRaw<unknown[]>`
    INSERT INTO ${tables.namedLock} (name)
    SELECT 'admins' FROM ${tables.user} u WHERE u.id = ${userId}::uuid AND ${isEnabledAdmin}
    ON CONFLICT (name) DO UPDATE SET name = excluded.name
    RETURNING name`
  if (locked.length === 0) return false
  // A statement of its own: its snapshot has what the transaction that had the lock before has committed.
  const others = await prisma.$queryRaw<unknown[]>`
    SELECT 1 FROM ${tables.user} u WHERE u.id <> ${userId}::uuid AND ${isEnabledAdmin} LIMIT 1`
  return others.length === 0
}
