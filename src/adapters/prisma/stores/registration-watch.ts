import { isAboveUsual } from '../../../core/rate-limits.js'
import { type Database, execute, query } from '../database.js'
import { clock } from '../sql/fragments.js'
import { tables } from '../tables.js'

const checkMilliseconds = 300_000
/** Rows are counted no further than this, so that a check has a bounded cost. */
const maxCounted = 100_000
const hoursOfWeek = 7 * 24

/**
 * Compares the accounts that all instances created within the last hour with the week before, every five minutes. If there
 * are more than usual, it writes the event `registrations_above_usual`, at most once an hour, and calls `onAboveUsual`.
 */
export function watchRegistrations(database: Database, onAboveUsual: (lastHour: number) => void) {
  let aboveUsual = false
  const timer = setInterval(() => void check().catch(() => undefined), checkMilliseconds).unref()

  async function check(): Promise<void> {
    const [counts] = await query<{ readonly hour: number; readonly week: number }>(database)`
      SELECT
        (SELECT count(*)::float8 FROM (
          SELECT 1 FROM ${tables.user} WHERE created_at > ${clock} - interval '1 hour' LIMIT ${maxCounted}
        ) newest) AS hour,
        (SELECT count(*)::float8 FROM (
          SELECT 1 FROM ${tables.user} WHERE created_at <= ${clock} - interval '1 hour'
            AND created_at > ${clock} - interval '169 hours' LIMIT ${maxCounted}
        ) earlier) AS week`
    const { hour = 0, week = 0 } = counts ?? {}
    aboveUsual = isAboveUsual(hour, week / hoursOfWeek)
    if (!aboveUsual) return
    const written = await execute(database)`
      INSERT INTO ${tables.event} (type, count) SELECT 'registrations_above_usual', ${hour}::int
      WHERE NOT EXISTS (
        SELECT 1 FROM ${tables.event} WHERE type = 'registrations_above_usual' AND at > ${clock} - interval '1 hour'
      )`
    if (written > 0) onAboveUsual(hour)
  }

  return { check, isAboveUsual: () => aboveUsual, stop: () => clearInterval(timer) }
}
