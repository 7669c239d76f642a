import type { RateLimit } from '../../core/rate-limits.js'
import type { LimitCounter, RateLimitUse } from '../../ports/limits.js'
import type { ServerWatch } from '../../ports/metrics.js'
import type { Digest } from '../../ports/runtime.js'
import { redisClient } from '../redis/redis-client.js'
import { UnsupportedRedis } from '../redis/redis-fault.js'
import type { MemoryRateLimits } from './memory-rate-limits.js'

export interface RedisRateLimits extends LimitCounter<RateLimit> {
  close(): void
}

export interface RedisRateLimitOptions {
  readonly url: string
  /** Keeps apart services that share one Redis. */
  readonly name: string
  /** Counts the uses of this instance; the only counts while Redis is away. */
  readonly inMemory: MemoryRateLimits
  /** Hashes the keys, so that Redis stores no e-mail or IP address. */
  readonly digest: Digest
  readonly watch: ServerWatch
  readonly timeoutMilliseconds?: number
  readonly monotonic?: () => number
}

/** How long a request waits for Redis at most. */
const defaultTimeoutMilliseconds = 300
/** After a failure, do not ask Redis for this long: if Redis hangs, only few requests then wait for the timeout. */
const restMilliseconds = 1000

const useScript = `
  local uses = tonumber(redis.call('GET', KEYS[1]) or '0')
  local left = redis.call('PTTL', KEYS[1])
  if left <= 0 then left = tonumber(ARGV[1]) end
  if uses >= tonumber(ARGV[2]) then return {0, uses, left} end
  redis.call('SET', KEYS[1], uses + 1, 'PX', left)
  return {1, uses + 1, left}
`
const undoScript = `
  if redis.call('EXISTS', KEYS[1]) == 1 and redis.call('DECR', KEYS[1]) <= 0 then redis.call('DEL', KEYS[1]) end
`

/**
 * Counts in Redis or Valkey, for all instances together, and also in the memory of this instance. A use that its own
 * count refuses is refused without asking Redis. While Redis is away, or has lost its data, its own count still limits
 * every client, and no client is locked out. Redis is asked only for keys that have a window of their own in memory, so a
 * flood of keys does not fill it.
 */
export function redisRateLimits(options: RedisRateLimitOptions): RedisRateLimits {
  const { url, name, inMemory, digest, watch, monotonic = () => performance.now() } = options
  const { timeoutMilliseconds = defaultTimeoutMilliseconds } = options
  const { redis, explain } = redisClient(url, {
    connectTimeout: 2000,
    commandTimeout: timeoutMilliseconds,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 100, 2000)
  })
  let restsUntil = Number.NEGATIVE_INFINITY

  /** Runs a script on the key of `use`; undefined if Redis cannot be asked. */
  async function run(script: string, { limit, key }: RateLimitUse<RateLimit>): Promise<unknown> {
    if (monotonic() < restsUntil) return undefined
    const counter = `latchkey:limit:${digest(JSON.stringify([name, limit.name, key]))}`
    try {
      const result = await watch.time(() => redis.eval(script, 1, counter, limit.windowSeconds * 1000, limit.max))
      watch.served()
      return result
    } catch (error) {
      const fault = explain(error)
      watch.failed(fault)
      restsUntil = fault instanceof UnsupportedRedis ? Number.POSITIVE_INFINITY : monotonic() + restMilliseconds
      return undefined
    }
  }

  return {
    async use(use) {
      const own = await inMemory.use(use)
      if (use.limit.perInstance || !own.granted || !own.exact) return own
      const shared = await run(useScript, use)
      if (!Array.isArray(shared)) return own
      const [granted, uses = 0, milliseconds = 0] = shared.map(Number)
      if (!granted) await inMemory.undo(use)
      return { granted: granted === 1, uses, endsInSeconds: milliseconds / 1000 }
    },

    async undo(use) {
      const isExact = inMemory.isExact(use)
      await inMemory.undo(use)
      if (isExact && !use.limit.perInstance) await run(undoScript, use)
    },

    close: () => redis.disconnect()
  }
}
