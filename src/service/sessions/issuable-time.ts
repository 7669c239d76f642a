import { Unavailable } from '../../ports/errors.js'
import type { Ports } from '../../ports/index.js'

export type IssuableTimePorts = Pick<Ports, 'revocations' | 'clock'>

/** The next second begins sooner, unless the clock was set back: requests must not wait until it has caught up. */
const maxWaitMilliseconds = 2000

/**
 * Waits for the next second if a revocation would refuse a token of `sid` that is issued at `now`: a change of roles, and
 * the end of all sessions, refuse every token whose `iat` lies in their second. Returns the time from which a token is
 * accepted, which is `now` unless it waited.
 */
export async function issuableTime(ports: IssuableTimePorts, sid: string, now: number): Promise<number> {
  const from = ports.revocations.issuableFrom(sid)
  if (now >= from) return now
  if (from - now > maxWaitMilliseconds) {
    throw new Unavailable("The database's clock was set back, to before a revocation that refuses every new token.", 10)
  }
  await ports.clock.sleep(from - now)
  return from
}
