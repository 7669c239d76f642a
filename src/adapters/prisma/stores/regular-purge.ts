import type { SessionPolicy } from '../../../core/policy.js'
import type { Database } from '../database.js'
import { eventRetentionSeconds, type Purged, purgeExpired } from '../sql/purge.js'

const batch = 1000
/** A thousand rows a second at most: 10^7 sessions are looked through in three hours, and no request waits long. */
const pauseSeconds = 1
const restSeconds = 30

/**
 * Removes what is past its time, in batches off the way of any request, until the function it returns is
 * called. While the database cannot serve, nothing is lost by waiting for the next turn.
 */
export function purgeRegularly(database: Database, policy: SessionPolicy): () => void {
  let after: string | undefined
  let stopped = false
  let timer = next(restSeconds)

  function next(seconds: number): NodeJS.Timeout {
    return setTimeout(turn, seconds * 1000).unref()
  }

  async function turn(): Promise<void> {
    let seconds = restSeconds
    try {
      const options = { batch, eventRetentionSeconds: eventRetentionSeconds(policy), after }
      const purged = await purgeExpired(database, options)
      after = purged.next ?? undefined
      if (isMore(purged)) seconds = pauseSeconds
    } catch {
      // The next turn tries the same batch again.
    }
    if (!stopped) timer = next(seconds)
  }

  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

const isMore = ({ next, revocations, events }: Purged) => next !== null || revocations === batch || events === batch
