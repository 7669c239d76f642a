import type { Ports, RateLimitUse } from '../ports/index.js'
import { Refused } from './refused.js'

export type LimitPorts = Pick<Ports, 'rateLimits'>

/**
 * Does `work` that counts towards each of `uses`, or refuses it with `too_many_requests`. The work counts before it is
 * done, so that simultaneous work cannot pass the limits. All uses are given back if one limit is reached, if the work
 * throws, as it does when it finds no room, and unless its result `staysCounted`.
 */
export async function counted<Result>(
  ports: LimitPorts,
  uses: readonly RateLimitUse[],
  work: () => Promise<Result>,
  staysCounted: (result: Result) => boolean,
  onLimited: () => void = () => undefined
): Promise<Result> {
  const granted: RateLimitUse[] = []
  let stays = false
  try {
    for (const use of uses) {
      const result = await ports.rateLimits.use(use)
      if (!result.granted) {
        onLimited()
        throw new Refused('too_many_requests', { retryAfterSeconds: Math.max(1, result.endsInSeconds) })
      }
      granted.push(use)
    }
    const result = await work()
    stays = staysCounted(result)
    return result
  } finally {
    if (!stays) await Promise.all(granted.map((use) => ports.rateLimits.undo(use)))
  }
}
