import { Redis, type RedisOptions } from 'ioredis'
import { readRedisUrl } from '../../addresses/redis-url.js'
import { explainRedisFault, saysWhy } from './redis-fault.js'

/** How long a client waits, and whether it connects again by itself. Where the server is comes from the URL. */
export type RedisPatience = Pick<RedisOptions, 'lazyConnect' | 'enableOfflineQueue' | 'autoResubscribe'> &
  Required<Pick<RedisOptions, 'commandTimeout' | 'maxRetriesPerRequest'>> & {
    readonly connectTimeout: number
    /** The pause before another attempt to connect, in milliseconds; null: no attempt. */
    retryStrategy(attempt: number): number | null
  }

export interface RedisClient {
  readonly redis: Redis
  /** The error that a command or `connect` has thrown, with the cause in words for the operator. */
  explain(error: unknown): Error
}

/**
 * A client of the server of `REDIS_URL`. With Sentinels it asks them for the primary at each connection; a primary that
 * became a replica closes its connections, so the client finds the new one. Throws `InvalidUrl`.
 */
export function redisClient(url: string, patience: RedisPatience): RedisClient {
  const { hosts, user, password, database, isTls, sentinel } = readRedisUrl(url)
  const [first = { host: 'localhost', port: 6379 }] = hosts
  // Why the connection is not open.
  let lastError: unknown
  const redis = new Redis({
    ...patience,
    ...(sentinel === undefined ? first : { sentinels: [...hosts], name: sentinel.name, role: 'master' as const }),
    ...credentials('username', user),
    ...credentials('password', password),
    ...credentials('sentinelUsername', sentinel?.user),
    ...credentials('sentinelPassword', sentinel?.password),
    db: database,
    ...(isTls && { tls: {}, ...(sentinel && { sentinelTLS: {}, enableTLSForSentinelMode: true }) }),
    sentinelCommandTimeout: patience.connectTimeout,
    sentinelRetryStrategy: patience.retryStrategy,
    reconnectOnError(error) {
      // A replica answers so: behind a name or a balancer, a new connection leads to the primary.
      const isReplica = error.message.startsWith('READONLY')
      if (isReplica) lastError = error
      return isReplica
    }
  })
  // Without a listener, an `error` event would crash the process. The next command fails by itself.
  redis.on('error', (error) => {
    lastError = error
  })
  redis.on('ready', () => {
    lastError = undefined
  })
  const place = sentinel === undefined ? `${first.host}:${first.port}` : `the primary "${sentinel.name}"`
  return {
    redis,
    explain: (error) => explainRedisFault(saysWhy(error) ? error : (lastError ?? error), place)
  }
}

function credentials<Name extends string>(name: Name, value: string | undefined) {
  return value === undefined ? {} : { [name]: value }
}
