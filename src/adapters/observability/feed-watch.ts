import type { RevocationFeed } from '../../ports/revocations.js'
import type { Log } from '../../ports/runtime.js'

const checkMilliseconds = 1000

/**
 * Looks at the feed once a second until `stop` is called, and logs one line when notices no longer arrive, one when the
 * feed is stale, and one when they arrive again. A gap that only one look sees is not worth a line: a lost connection is
 * usually replaced at once.
 */
export function watchFeed(feed: Pick<RevocationFeed, 'state'>, log: Log) {
  let logged = 'connected'
  let before = 'connected'
  const timer = setInterval(check, checkMilliseconds).unref()

  function check(): void {
    const { connected, stale, lagSeconds } = feed.state()
    const condition = stale ? 'stale' : connected ? 'connected' : 'polling'
    const isLasting = condition === before
    before = condition
    if (!isLasting || condition === logged) return
    logged = condition
    if (condition === 'stale')
      log.warn({ lagSeconds }, 'The feed is stale: revocations of other instances are not known')
    else if (condition === 'polling')
      log.warn({}, 'The feed is lost: no notices of revocations arrive, the log is polled')
    else log.info({}, 'The feed is back: notices of revocations arrive')
  }

  return { check, stop: () => clearInterval(timer) }
}
