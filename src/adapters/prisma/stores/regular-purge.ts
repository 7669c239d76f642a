import { randomUUID } from 'node:crypto'
import type { SessionPolicy } from '../../../core/policy.js'
import type { Database } from '../database.js'
import { finishEndOfAll } from '../sql/end-all-sessions.js'
import { claim } from '../sql/lease.js'
import { eventRetentionSeconds, purgeExpired } from '../sql/purge/purge.js'

const batch = 1000

/** How long the purge waits, in seconds. Tests shorten it. */
export interface PurgeTiming {
  /** Between two batches: at most a thousand rows a second, so that 10^7 sessions take three hours. */
  readonly pauseSeconds: number
  /** After a batch in which most sessions had ended, as after the end of everybody's sessions. */
  readonly quickPauseSeconds: number
  /** After the last batch, and for the instances that do not hold the lease. */
  readonly restSeconds: number
  /** For how long the purge belongs to an instance that has stopped. Longer than `restSeconds` and a batch together. */
  readonly leaseSeconds: number
}

const defaultTiming: PurgeTiming = { pauseSeconds: 1, quickPauseSeconds: 0.1, restSeconds: 30, leaseSeconds: 90 }

/**
 * Removes expired rows in the background, batch by batch, until the returned function is called. Of all instances, one at
 * a time does it: the holder of the lease. If it dies, another one goes on where it was. If the database cannot serve, the
 * next turn tries the same batch again.
 */
export function purgeRegularly(database: Database, policy: SessionPolicy, timing = defaultTiming): () => void {
  const holder = randomUUID()
  const retention = eventRetentionSeconds(policy)
  let position: string | null = null
  let stopped = false
  let timer = schedule(timing.restSeconds)

  function schedule(seconds: number): NodeJS.Timeout {
    return setTimeout(turn, seconds * 1000).unref()
  }

  async function turn(): Promise<void> {
    const pause = await purgeBatch().catch(() => timing.restSeconds)
    if (!stopped) timer = schedule(pause)
  }

  /** Resolves to the pause before the next turn, in seconds. */
  async function purgeBatch(): Promise<number> {
    const lease = await claim(database, { task: 'purge', holder, leaseSeconds: timing.leaseSeconds, position })
    if (lease === undefined) return timing.restSeconds
    position = lease.position
    await finishEndOfAll(database, policy)
    const purged = await purgeExpired(database, {
      batch,
      eventRetentionSeconds: retention,
      after: position ?? undefined
    })
    position = purged.next
    if (purged.sessions > batch / 2) return timing.quickPauseSeconds
    const isMore = position !== null || [purged.revocations, purged.events, purged.failures].includes(batch)
    return isMore ? timing.pauseSeconds : timing.restSeconds
  }

  return () => {
    stopped = true
    clearTimeout(timer)
  }
}
