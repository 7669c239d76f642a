import { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'

/** What a listening connection tells. */
export interface ListenHandlers {
  /** A notice of the channel that carries our schema's name. */
  onNotice(): void
  /** The connection is of no more use; also after `close`, and perhaps more than once. */
  onLost(): void
}

/** A connection that listens. */
export interface Listening {
  /** Resolves when the server has answered; every notice committed before it was asked has arrived by then. */
  ping(): Promise<void>
  /** Ends the connection in at most a second, also where the server is silent. */
  close(): Promise<void>
}

/** Listens to `channel` on a connection of its own, beside the pool: `LISTEN` lasts as long as its connection. */
export type Listen = (channel: string, handlers: ListenHandlers) => Promise<Listening>

const connectMilliseconds = 5000
const closeMilliseconds = 1000

/** Notices of other schemas, other services on one server, are not told. Throws where the server cannot be reached. */
export function listening(config: pg.ClientConfig, schema: string): Listen {
  return async (channel, { onNotice, onLost }) => {
    // A socket of ours can be destroyed; pg would wait for a silent server to close it.
    const socket = new Socket()
    const client = new pg.Client({
      ...config,
      stream: () => socket,
      connectionTimeoutMillis: connectMilliseconds,
      query_timeout: connectMilliseconds,
      keepAlive: true
    })
    client.on('error', onLost)
    client.on('end', onLost)
    client.on('notification', ({ payload }) => {
      if (payload === schema) onNotice()
    })

    const close = async () => {
      await Promise.race([client.end().catch(() => undefined), delay(closeMilliseconds, undefined, { ref: false })])
      socket.destroy()
    }
    try {
      await client.connect()
      await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`)
    } catch (error) {
      await close()
      throw error
    }
    return { ping: async () => void (await client.query('SELECT 1')), close }
  }
}
