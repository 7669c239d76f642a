import { failureEventLimits, type RateLimit } from '../../../core/rate-limits.js'
import { clientNetwork } from '../../../network-address.js'
import type { EventLog, EventType } from '../../../ports/events.js'
import type { LimitCounter } from '../../../ports/limits.js'
import { type Database, execute } from '../database.js'
import { tables } from '../tables.js'

/** Each of these networks gets an entry of its own when sums are written, those with the most failures first. */
const maxEntries = 10
/** More networks than these are counted as one, so that memory is bounded. */
const maxNetworks = 1000
const flushMilliseconds = 60_000

const summedTypes: readonly EventType[] = ['login_failed', 'password_refused']

interface Sum {
  readonly type: EventType
  readonly network: string | null
  readonly count: number
}

/**
 * The same log, but above `failureEventLimits` wrong passwords are only counted, and once a minute their sums are
 * written: one entry for each of the busiest networks, and one for the rest. `counter` counts for this instance alone.
 */
export function summedFailures(database: Database, log: EventLog, counter: LimitCounter<RateLimit>) {
  let sums = new Map<string, Sum>()
  const timer = setInterval(() => void flush().catch(() => undefined), flushMilliseconds).unref()

  function add({ type, network: from, count }: Sum): void {
    const network = sums.has(`${type} ${from}`) || sums.size < maxNetworks ? from : null
    const key = `${type} ${network}`
    sums.set(key, { type, network, count: count + (sums.get(key)?.count ?? 0) })
  }

  async function isWithinLimits(network: string): Promise<boolean> {
    for (const limit of failureEventLimits) {
      const key = limit.name === 'failure-events' ? 'all' : network
      if (!(await counter.use({ limit, key })).granted) return false
    }
    return true
  }

  /** Writes the sums. If the database cannot serve, they are kept. */
  async function flush(): Promise<void> {
    const counted = [...sums.values()].sort((a, b) => b.count - a.count)
    sums = new Map()
    const entries = [...counted.slice(0, maxEntries), ...sumsByType(counted.slice(maxEntries))]
    try {
      if (entries.length > 0) await write(database, entries)
    } catch (error) {
      for (const sum of entries) add(sum)
      throw error
    }
  }

  const summing: EventLog = {
    ...log,
    async record(event, actor) {
      const network = clientNetwork(actor.ip ?? '')
      if (!summedTypes.includes(event.type) || (await isWithinLimits(network))) return log.record(event, actor)
      add({ type: event.type, network, count: 1 })
    }
  }
  return {
    events: summing,
    flush,
    /** Writes what was counted, as far as the database can serve. */
    async close() {
      clearInterval(timer)
      await flush().catch(() => undefined)
    }
  }
}

function sumsByType(sums: readonly Sum[]): readonly Sum[] {
  return summedTypes
    .map((type) => ({
      type,
      network: null,
      count: sums.filter((sum) => sum.type === type).reduce((total, { count }) => total + count, 0)
    }))
    .filter(({ count }) => count > 0)
}

async function write(database: Database, sums: readonly Sum[]): Promise<void> {
  await execute(database)`
    INSERT INTO ${tables.event} (type, ip, count)
    SELECT * FROM unnest(
      ${sums.map(({ type }) => type)}::text[], ${sums.map(({ network }) => network)}::text[],
      ${sums.map(({ count }) => count)}::int[]
    )`
}
