import { type Database, execute, query } from '../database.js'
import { tables } from '../tables.js'
import { clock, seconds } from './fragments.js'

/** One instance's claim to a task that only one instance at a time does. */
export interface Claim {
  readonly task: string
  /** The id of the instance. */
  readonly holder: string
  /** How long the task belongs to the instance if it does not claim it again. */
  readonly leaseSeconds: number
  /** Where the instance's walk is, if it holds the lease already. */
  readonly position: string | null
}

/** A lease that this instance holds now. */
export interface Lease {
  /** Where to go on: the position of the claim or, if the lease was taken over, the last one of the holder before. */
  readonly position: string | null
}

/** A lease that ends later was made before the database's clock was set back: nobody may wait for its end. */
const longestLeaseSeconds = 3600

/**
 * Takes or renews the lease of a task; undefined if another instance holds it. It is a row with an end, not an advisory
 * lock: a holder that died frees it by itself, and some engines have no advisory locks. If a holder stops for longer than
 * its lease, two instances work for a while, so the task must allow that.
 */
export async function claim(database: Database, { task, holder, leaseSeconds, position }: Claim) {
  const [lease] = await query<Lease>(database)`
    INSERT INTO ${tables.lease} AS l (task, holder, expires_at, position)
    VALUES (${task}, ${holder}::uuid, ${clock} + ${seconds(leaseSeconds)}, ${position}::uuid)
    ON CONFLICT (task) DO UPDATE
    SET holder = excluded.holder, expires_at = excluded.expires_at,
      position = CASE WHEN l.holder = excluded.holder THEN excluded.position ELSE l.position END
    WHERE l.holder = excluded.holder OR l.expires_at <= ${clock} OR l.expires_at > ${clock} + ${seconds(longestLeaseSeconds)}
    RETURNING l.position`
  return lease
}

/** Gives a lease back, so that another instance need not wait for its end. Does nothing if another one holds it. */
export async function release(database: Database, { task, holder }: Pick<Claim, 'task' | 'holder'>): Promise<void> {
  await execute(database)`
    UPDATE ${tables.lease} SET expires_at = ${clock} WHERE task = ${task} AND holder = ${holder}::uuid`
}
