import type { Ports } from '../ports/index.js'
import type { RateLimitUse } from '../ports/limits.js'
import { Refused } from './refused.js'

export type LimitPorts = Pick<Ports, 'rateLimits'>

/** Takes one use of an allowance; refuses with `too_many_requests` where it is used up. */
export async function requireAllowance(ports: LimitPorts, use: RateLimitUse): Promise<void> {
  const { granted, endsInSeconds } = await ports.rateLimits.use(use)
  if (!granted) throw new Refused('too_many_requests', { retryAfterSeconds: Math.max(1, endsInSeconds) })
}

/**
 * Makes a guess that counts towards each of `uses`; gives what is wrong about it, or undefined where it
 * is right. It is counted before it is made, so that guesses made at once count, and given back where it
 * was right or could not be made: a wrong one stays.
 */
export async function countedGuess<Fault extends string>(
  ports: LimitPorts,
  uses: readonly RateLimitUse[],
  guess: () => Promise<Fault | undefined>
): Promise<Fault | undefined> {
  const taken: RateLimitUse[] = []
  let fault: Fault | undefined
  try {
    for (const use of uses) {
      await requireAllowance(ports, use)
      taken.push(use)
    }
    fault = await guess()
    return fault
  } finally {
    if (fault === undefined) await Promise.all(taken.map((use) => ports.rateLimits.undo(use)))
  }
}
