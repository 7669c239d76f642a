import { Redis, type RedisOptions } from 'ioredis'
import type { NoticeSource } from './notices.js'

export interface RedisNotices extends NoticeSource {
  publish(): Promise<void>
  close(): void
}

/** Reconnecting is the subscription's business; a command that cannot be sent at once fails at once. */
const oneTry: RedisOptions = {
  lazyConnect: true,
  connectTimeout: 2000,
  commandTimeout: 2000,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  autoResubscribe: false,
  retryStrategy: () => null
}

/**
 * Notices by Redis or Valkey pub/sub, for databases without LISTEN/NOTIFY. `name` sets services that
 * share one Redis apart. Pub/sub forgets, so the source is lossy: what it does not tell is found by
 * reading the log, and while Redis is away that is all there is.
 */
export function redisNotices(url: string, name: string): RedisNotices {
  const channel = `latchkey:revocation:${name}`
  const publisher = new Redis(url, { ...oneTry, retryStrategy: (attempt) => Math.min(attempt * 100, 2000) })
  // A lost connection shows in the next publish; unheard, the event would end the process.
  publisher.on('error', () => undefined)

  return {
    lossy: true,

    async connect({ onNotice, onLost }) {
      const subscriber = new Redis(url, oneTry)
      subscriber.on('error', onLost)
      subscriber.on('end', onLost)
      subscriber.on('message', onNotice)
      try {
        await subscriber.connect()
        await subscriber.subscribe(channel)
      } catch (error) {
        subscriber.disconnect()
        throw error
      }
      return {
        ping: async () => void (await subscriber.ping()),
        close: async () => subscriber.disconnect()
      }
    },

    async publish() {
      try {
        if (publisher.status === 'wait') await publisher.connect()
        await publisher.publish(channel, '')
      } catch {
        // The others read the log regularly.
      }
    },

    close: () => publisher.disconnect()
  }
}
