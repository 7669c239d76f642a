import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../../ports/runtime.js'
import type { Database } from './database.js'

/** Local time in milliseconds. It only runs forward, whatever is done to the machine's time of day. */
type LocalTime = () => number

interface DatabaseClock extends Clock {
  /** Measures the offset to the database's clock again. If that fails, the clock keeps the last offset. */
  measure(): Promise<void>
  stop(): void
}

const probes = 3
const measureEverySeconds = 30

/**
 * The database's clock, computed from local time and an offset that is measured now and every 30 s. The error is at
 * most half the fastest of a few round trips. Throws `Unavailable` if the first measurement fails.
 */
export async function databaseClock(
  database: Database,
  localTime: LocalTime = () => performance.now()
): Promise<DatabaseClock> {
  let offset = await measureOffset(database, localTime)

  async function measure(): Promise<void> {
    try {
      offset = await measureOffset(database, localTime)
    } catch {
      // While a database is away for minutes, local time drifts by milliseconds only.
    }
  }

  const timer = setInterval(measure, measureEverySeconds * 1000).unref()
  return {
    now: () => Math.floor(localTime() + offset),
    sleep: async (milliseconds) => delay(milliseconds),
    measure,
    stop: () => clearInterval(timer)
  }
}

async function measureOffset(database: Database, localTime: LocalTime): Promise<number> {
  let best = { roundTrip: Number.POSITIVE_INFINITY, offset: 0 }
  for (let probe = 0; probe < probes; probe += 1) {
    const measured = await probeOnce(database, localTime)
    if (measured.roundTrip < best.roundTrip) best = measured
  }
  return best.offset
}

async function probeOnce(database: Database, localTime: LocalTime): Promise<{ roundTrip: number; offset: number }> {
  return database.run(async (prisma) => {
    const sentAt = localTime()
    const [row] = await prisma.$queryRaw<{ now: number }[]>`
      SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now`
    const roundTrip = localTime() - sentAt
    if (row === undefined) throw new Error('The database returned no time.')
    return { roundTrip, offset: row.now - (sentAt + roundTrip / 2) }
  })
}
