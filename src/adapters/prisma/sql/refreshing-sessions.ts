import type { SessionPolicy } from '../../../core/policy.js'
import type { EventType } from '../../../ports/events.js'
import type { RotationStep, SessionStore } from '../../../ports/sessions.js'
import type { Database } from '../database.js'
import { Prisma } from '../generated/client.js'
import { by, eventTarget } from './ending-sessions.js'
import { clock, isLive, type LiveRow, liveColumns, seconds, toLiveSession } from './session-rows.js'

export type RefreshingPolicy = Pick<SessionPolicy, 'graceSeconds' | 'refreshIdleTtlSeconds'>

/** What keeps a session alive. None of these columns is indexed, so that the update stays in its page (HOT). */
const used = (policy: RefreshingPolicy) => Prisma.sql`
  last_used_at = ${clock},
  idle_expires_at = least(${clock} + ${seconds(policy.refreshIdleTtlSeconds)}, s.absolute_expires_at)`

/** The parts of a `SessionStore` that move a session on. Each is one conditional UPDATE: none can bring back a deleted row. */
export function refreshingSessions(
  database: Database,
  policy: RefreshingPolicy
): Pick<SessionStore, 'rotate' | 'advance' | 'touch'> {
  return {
    async rotate({ sid, generation, secretHash, retryKeyHash }) {
      const rows = await database.run(
        (prisma) => prisma.$queryRaw<LiveRow[]>`
          UPDATE session s
          SET generation = s.generation + 1, rotated_at = ${clock}, retry_key_hash = ${retryKeyHash}, ${used(policy)}
          FROM "user" u
          WHERE s.id = ${sid}::uuid AND s.generation = ${generation}::bigint AND s.secret_hash = ${secretHash}
            AND (s.rotated_at IS NULL OR s.rotated_at <= ${clock} - ${seconds(policy.graceSeconds)})
            AND ${isLive} AND s.mode IN ('cookie', 'body') AND u.id = s.user_id AND u.disabled_at IS NULL
          RETURNING ${liveColumns}`
      )
      return rows.map(toLiveSession)[0]
    },

    async advance(seen, step, actor) {
      const event = eventOf[step.kind]
      const noted =
        event === undefined
          ? Prisma.empty
          : Prisma.sql`, noted AS (
              INSERT INTO ${eventTarget} SELECT ${event}, user_id, id, NULL, NULL, ${by(actor)} FROM moved
            )`
      const recovered = step.kind === 'restore' ? Prisma.empty : Prisma.sql`recovered_generation = ${step.generation},`
      const moved = await database.run(
        (prisma) => prisma.$queryRaw<unknown[]>`
          WITH moved AS (
            UPDATE session s
            SET generation = ${step.generation}::bigint, ${recovered} rotated_at = ${clock},
              retry_key_hash = ${step.retryKeyHash}, ${used(policy)}
            FROM "user" u
            WHERE s.id = ${seen.id}::uuid AND s.generation = ${seen.generation}::bigint
              AND (extract(epoch FROM s.rotated_at) * 1000)::float8 IS NOT DISTINCT FROM ${seen.rotatedAt}::float8
              AND ${isLive} AND u.id = s.user_id AND u.disabled_at IS NULL
            RETURNING s.id, s.user_id
          )${noted}
          SELECT 1 FROM moved`
      )
      return moved.length === 1
    },

    async touch(sid) {
      await database.run(
        (prisma) =>
          prisma.$executeRaw`UPDATE session s SET ${used(policy)} WHERE s.id = ${sid}::uuid AND s.mode = 'session' AND ${isLive}`
      )
    }
  }
}

/** A repeated answer with the key of its request is an everyday event; the others are worth a look. */
const eventOf: Readonly<Record<RotationStep['kind'], EventType | undefined>> = {
  renew: undefined,
  recover: 'refresh_recovered',
  restore: 'refresh_restored'
}
