import type { SessionPolicy } from '../../../core/policy.js'
import type { Entropy } from '../../../ports/runtime.js'
import type { Database } from '../database.js'
import { readPurgeLag, unknownLag } from '../sql/purge/purge-lag.js'

const checkMilliseconds = 300_000

/**
 * Reads every five minutes how far behind the purge is, until `stop` is called. Every instance does: the one that should
 * purge may be the one that hangs. `lag` returns the newest values, NaN before there are any.
 */
export function watchPurge(
  database: Database,
  policy: Pick<SessionPolicy, 'refreshAbsoluteTtlSeconds'>,
  entropy: Pick<Entropy, 'uuid'>
) {
  let lag = unknownLag
  const timer = setInterval(() => void check().catch(() => undefined), checkMilliseconds).unref()

  async function check(): Promise<void> {
    lag = await readPurgeLag(database, policy, entropy.uuid())
  }

  return { check, lag: () => lag, stop: () => clearInterval(timer) }
}
