import { randomUUID } from 'node:crypto'
import type { ServerWatch } from '../../ports/metrics.js'
import { type RedisPatience, redisClient } from '../redis/redis-client.js'
import { heartbeat } from './heartbeat.js'
import type { NoticeSource } from './notices.js'

export interface RedisNotices extends NoticeSource {
  publish(): Promise<void>
  close(): void
}

/** No reconnecting, because `keepSubscribed` does that; a command that cannot be sent at once fails at once. */
const singleAttempt: RedisPatience = {
  lazyConnect: true,
  connectTimeout: 2000,
  commandTimeout: 2000,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  autoResubscribe: false,
  retryStrategy: () => null
}

/** After a failure, do not publish for this long: if Redis hangs, only few requests then wait for the timeout. */
const restMilliseconds = 1000
const arrivalMilliseconds = 1500

/**
 * Notices by pub/sub of Redis or Valkey, used instead of LISTEN/NOTIFY if `REDIS_URL` is set. `name` keeps apart
 * services that share one Redis. Lossy, because pub/sub keeps nothing for a subscriber that is away.
 */
export function redisNotices(
  url: string,
  name: string,
  watch: ServerWatch,
  monotonic = () => performance.now()
): RedisNotices {
  const channel = `latchkey:revocation:${name}`
  const { redis: publisher, explain } = redisClient(url, {
    ...singleAttempt,
    retryStrategy: (attempt) => Math.min(attempt * 100, 2000)
  })
  let opening: Promise<unknown> | undefined
  let restsUntil = Number.NEGATIVE_INFINITY

  async function send(channel: string): Promise<void> {
    // Later attempts are the publisher's own.
    if (publisher.status === 'wait') opening = publisher.connect().catch(() => undefined)
    await opening
    await watch.time(() => publisher.publish(channel, ''))
  }

  return {
    lossy: true,

    async connect({ onNotice, onLost }) {
      const ownChannel = `latchkey:heartbeat:${randomUUID()}`
      const { beat, arrived } = heartbeat(arrivalMilliseconds)
      const ping = () => beat(() => send(ownChannel))
      const { redis: subscriber, explain: explainSubscriber } = redisClient(url, singleAttempt)
      subscriber.on('error', onLost)
      subscriber.on('end', onLost)
      subscriber.on('message', (from) => (from === ownChannel ? arrived() : onNotice()))
      try {
        await subscriber.connect()
        await subscriber.subscribe(channel, ownChannel)
        await ping()
        watch.served()
      } catch (error) {
        watch.failed(explainSubscriber(error))
        subscriber.disconnect()
        throw error
      }
      return { ping, close: async () => subscriber.disconnect() }
    },

    async publish() {
      if (monotonic() < restsUntil) return
      try {
        await send(channel)
        watch.served()
      } catch (error) {
        watch.failed(explain(error))
        // The other instances also read the log at intervals.
        restsUntil = monotonic() + restMilliseconds
      }
    },

    close: () => publisher.disconnect()
  }
}
