import { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Listen } from './notices.js'

const connectMilliseconds = 5000
const closeMilliseconds = 1000

/**
 * Listens by `LISTEN` on a connection of its own, beside the pool, because `LISTEN` ends with its connection. Ignores
 * notices whose payload names another schema: several services can share one server.
 */
export function postgresListen(config: pg.ClientConfig, schema: string): Listen {
  return (channel) =>
    async ({ onNotice, onLost }) => {
      // Pass our own socket, so that close() can destroy it: pg would wait for a silent server to close it.
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
