import type { RunLimit } from '../../../core/rate-limits.js'
import type { RateLimitUse, RunCounter } from '../../../ports/limits.js'
import { type Database, execute, query } from '../database.js'
import { Prisma } from '../generated/client.js'
import { clock, seconds } from '../sql/fragments.js'
import { tables } from '../tables.js'

const day = 86_400

/**
 * Whether a pause of `guess_run AS run` is running. Without a pause `resumes_at` equals `last_at`, which can be ahead of the
 * clock: of two simultaneous failures, the one whose statement began later can be written first.
 */
const isPaused = Prisma.sql`run.resumes_at > greatest(run.last_at, ${clock})`

interface Counted {
  readonly granted: boolean
  readonly uses: number
  readonly endsInSeconds: number
}

/**
 * Failures in a row, in PostgreSQL, so that they survive restarts and hold for all instances. A refusal only reads, so a
 * flood of refused guesses writes nothing. `keyedHash` hides the keys from readers of the database.
 */
export function prismaRunCounter(database: Database, keyedHash: (text: string) => string): RunCounter {
  const keyOf = ({ limit, key }: RateLimitUse<RunLimit>) => keyedHash(`${limit.name} ${key}`)

  return {
    async use(use) {
      const key = keyOf(use)
      const [first, next] = [rowWith(Prisma.sql`1`, use.limit), rowWith(nextFailure(use.limit), use.limit)]
      const [row] = await query<Counted>(database)`
        WITH counted AS (
          INSERT INTO ${tables.guessRun} AS run (key, failures, last_at, resumes_at, expires_at)
          SELECT ${key}, ${Prisma.join(first)}
          WHERE NOT EXISTS (SELECT 1 FROM ${tables.guessRun} AS run WHERE key = ${key} AND ${isPaused})
          ON CONFLICT (key) DO UPDATE SET (failures, last_at, resumes_at, expires_at) = ROW (${Prisma.join(next)})
          WHERE NOT (${isPaused})
          RETURNING failures, resumes_at
        ), seen AS (
          SELECT true AS granted, failures, resumes_at FROM counted
          UNION ALL SELECT false, failures, resumes_at FROM ${tables.guessRun} WHERE key = ${key}
        )
        SELECT granted, failures AS uses, extract(epoch FROM greatest(resumes_at, ${clock}) - ${clock})::float8 AS "endsInSeconds"
        FROM seen ORDER BY granted DESC LIMIT 1`
      // Without a row, a login ended the run at the same moment.
      return row ?? { granted: false, uses: 0, endsInSeconds: 0 }
    },

    async undo(use) {
      const key = keyOf(use)
      await execute(database)`
        WITH lowered AS (
          UPDATE ${tables.guessRun} SET failures = failures - 1, resumes_at = last_at WHERE key = ${key} AND failures > 1
        )
        DELETE FROM ${tables.guessRun} WHERE key = ${key} AND failures <= 1`
    },

    async forget(use) {
      await execute(database)`DELETE FROM ${tables.guessRun} WHERE key = ${keyOf(use)}`
    }
  }
}

/** The number of the next failure of `guess_run AS run`: each full day without one has taken some off. */
function nextFailure({ perDay }: RunLimit): Prisma.Sql {
  const fullDays = Prisma.sql`greatest(0, floor(extract(epoch FROM ${clock} - run.last_at) / ${day}::int))`
  return Prisma.sql`(greatest(0, run.failures - ${perDay}::int * ${fullDays})::int + 1)`
}

/** The columns after the key of a row whose latest failure is now, its number `failures`. */
function rowWith(failures: Prisma.Sql, { max, perDay, pauses }: RunLimit): Prisma.Sql[] {
  const cases = pauses.map(({ after, seconds: long }) => Prisma.sql`WHEN ${after}::int THEN ${seconds(long)}`)
  const pause = Prisma.sql`
    CASE WHEN ${failures} >= ${max}::int THEN ${seconds(day)}
    ELSE CASE ${failures} ${Prisma.join(cases, ' ')} ELSE ${seconds(0)} END END`
  const life = Prisma.sql`ceil(${failures}::float8 / ${perDay}::int) * ${seconds(day)}`
  return [failures, clock, Prisma.sql`${clock} + ${pause}`, Prisma.sql`${clock} + ${life}`]
}
