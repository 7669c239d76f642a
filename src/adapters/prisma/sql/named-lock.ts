import { Prisma } from '../generated/client.js'
import { tables } from '../tables.js'
import type { Statements } from './end-sessions.js'

/**
 * Locks the row `name` until the transaction ends, so that such transactions run one after the other on all instances.
 * It must be a statement of its own: the next statement's snapshot then has what the transaction before has committed.
 * Returns no row, and locks nothing, if `condition` is false. It is not an advisory lock: some engines have none, or one
 * that locks nothing.
 */
export function lockName(prisma: Statements, name: 'admins' | 'lost_revocations', condition = Prisma.sql`true`) {
  return prisma.$queryRaw<unknown[]>`
    INSERT INTO ${tables.namedLock} (name) SELECT ${name}::text WHERE ${condition}
    ON CONFLICT (name) DO UPDATE SET name = excluded.name
    RETURNING name`
}
