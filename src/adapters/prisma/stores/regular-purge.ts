import type { SessionPolicy } from '../../../core/policy.js'
import type { Database } from '../database.js'
import { eventRetentionSeconds, purgeExpired } from '../sql/purge.js'

const batch = 1000
/** At most a thousand rows a second: 10^7 sessions take three hours, and no request waits long for a batch. */
const pauseSeconds = 1
const restSeconds = 30

/**
 * Removes expired rows in the background, batch by batch, until the returned function is called. If the database cannot
 * serve, the next turn tries the same batch again.
 */
export function purgeRegularly(database: Database, policy: SessionPolicy): () => void {
  const retention = eventRetentionSeconds(policy)
  let after: string | undefined
  let stopped = false
  let timer = schedule(restSeconds)

  function schedule(seconds: number): NodeJS.Timeout {
    return setTimeout(turn, seconds * 1000).unref()
  }

  async function turn(): Promise<void> {
    const isMore = await purgeBatch().catch(() => false)
    if (!stopped) timer = schedule(isMore ? pauseSeconds : restSeconds)
  }

  async function purgeBatch(): Promise<boolean> {
    const purged = await purgeExpired(database, { batch, eventRetentionSeconds: retention, after })
    after = purged.next ?? undefined
    return after !== undefined || [purged.revocations, purged.events, purged.failures].includes(batch)
  }

  return () => {
    stopped = true
    clearTimeout(timer)
  }
}
