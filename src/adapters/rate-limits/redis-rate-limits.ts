import { Redis } from 'ioredis'
import type { RateLimits, RateLimitUse } from '../../ports/limits.js'
import { sha256 } from '../secrets/system.js'

export interface SharedRateLimits extends RateLimits {
  close(): void
}

export interface SharedOptions {
  readonly url: string
  /** Sets services that share one Redis apart. */
  readonly name: string
  /** Counts what this instance does, and all there is while Redis is away. */
  readonly inMemory: RateLimits
  /** Told when Redis stops answering, and when it answers again. */
  readonly onChange?: (away: boolean) => void
  readonly timeoutMilliseconds?: number
  readonly monotonic?: () => number
}

/** Nobody waits longer for a count. */
const usualTimeoutMilliseconds = 300
/** A Redis that has not answered is left alone for this long, so that one that hangs costs few requests its time-out. */
const restMilliseconds = 1000

const takeScript = `
  local uses = tonumber(redis.call('GET', KEYS[1]) or '0')
  local left = redis.call('PTTL', KEYS[1])
  if left <= 0 then left = tonumber(ARGV[1]) end
  if uses >= tonumber(ARGV[2]) then return {0, uses, left} end
  redis.call('SET', KEYS[1], uses + 1, 'PX', left)
  return {1, uses + 1, left}
`
const giveBackScript = `
  if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then redis.call('DECR', KEYS[1]) end
`

/**
 * Counts in Redis or Valkey, for all instances together. Each instance counts in its memory as well:
 * what is above its allowance there is above it everywhere, and Redis is not asked; and while Redis is
 * away or forgets, nobody is without a limit and nobody is locked out. Keys are hashed, so that no
 * address stands there.
 */
export function redisRateLimits(options: SharedOptions): SharedRateLimits {
  const { url, name, inMemory, onChange, monotonic = () => performance.now() } = options
  const { timeoutMilliseconds = usualTimeoutMilliseconds } = options
  const redis = new Redis(url, {
    connectTimeout: 2000,
    commandTimeout: timeoutMilliseconds,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 100, 2000)
  })
  // A lost connection shows in the next command; unheard, the event would end the process.
  redis.on('error', () => undefined)
  let restsUntil = Number.NEGATIVE_INFINITY
  let away = false

  function note(nowAway: boolean): void {
    if (nowAway) restsUntil = monotonic() + restMilliseconds
    if (nowAway !== away) onChange?.(nowAway)
    away = nowAway
  }

  /** Runs a script on the use's key; undefined where Redis cannot be asked. */
  async function run(script: string, { allowance, key }: RateLimitUse): Promise<unknown> {
    if (monotonic() < restsUntil) return undefined
    const counter = `latchkey:limit:${sha256(JSON.stringify([name, allowance.name, key]))}`
    try {
      const answer = await redis.eval(script, 1, counter, allowance.windowSeconds * 1000, allowance.max)
      note(false)
      return answer
    } catch {
      note(true)
      return undefined
    }
  }

  return {
    async use(use) {
      const here = await inMemory.use(use)
      if (use.allowance.perInstance || !here.granted) return here
      const answer = await run(takeScript, use)
      if (!Array.isArray(answer)) return here
      const [granted, uses = 0, milliseconds = 0] = answer.map(Number)
      if (!granted) await inMemory.undo(use)
      return { granted: granted === 1, uses, endsInSeconds: milliseconds / 1000 }
    },

    async undo(use) {
      await inMemory.undo(use)
      if (!use.allowance.perInstance) await run(giveBackScript, use)
    },

    close: () => redis.disconnect()
  }
}
