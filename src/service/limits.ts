import type { Ports, RateLimitUse } from '../ports/index.js'
import { Refused } from './refused.js'

export type LimitPorts = Pick<Ports, 'rateLimits'>

/** Counts one use of a limit; refuses with `too_many_requests` if the limit is reached. */
export async function requireWithinLimit(ports: LimitPorts, use: RateLimitUse): Promise<void> {
  const { granted, endsInSeconds } = await ports.rateLimits.use(use)
  if (!granted) throw new Refused('too_many_requests', { retryAfterSeconds: Math.max(1, endsInSeconds) })
}

/**
 * Makes a guess that counts towards each of `uses`; returns what is wrong with it, or undefined if it is right. The guess
 * counts before it is made, so that simultaneous guesses cannot pass the limit. A right guess, and one that could not be
 * made, is given back; a wrong one stays counted.
 */
export async function countedGuess<Fault extends string>(
  ports: LimitPorts,
  uses: readonly RateLimitUse[],
  guess: () => Promise<Fault | undefined>
): Promise<Fault | undefined> {
  const counted: RateLimitUse[] = []
  let fault: Fault | undefined
  try {
    for (const use of uses) {
      await requireWithinLimit(ports, use)
      counted.push(use)
    }
    fault = await guess()
    return fault
  } finally {
    if (fault === undefined) await Promise.all(counted.map((use) => ports.rateLimits.undo(use)))
  }
}
