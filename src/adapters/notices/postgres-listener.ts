import { randomUUID } from 'node:crypto'
import { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { HeartbeatLost, heartbeat } from './heartbeat.js'
import type { NoticeHandlers } from './notices.js'

export interface ListenerOptions {
  /** The server itself: behind a pooler in transaction mode, a connection receives no notices. */
  readonly connection: pg.ClientConfig
  /** Notices whose payload names another schema are ignored: several services can share one database. */
  readonly schema: string
  /** Sends a notice without payload to the channel, on another connection to the same database. */
  notify(channel: string): Promise<unknown>
  /** Called after each trial whether a notice from another connection arrives. */
  onTrial(arrived: boolean): void
  /** Called once, when the connection is of no more use. */
  onEnd(): void
}

/** A connection that listens. */
export interface Listener {
  /** Listens for one channel more. Resolves with a function that ends this; the last one closes the connection. */
  add(channel: string, handlers: NoticeHandlers): Promise<() => Promise<void>>
  /** Resolves when a notice from this connection to itself has arrived. If that fails, the connection is lost. */
  ping(): Promise<void>
}

const connectMilliseconds = 5000
const closeMilliseconds = 1000
const arrivalMilliseconds = 1500

/**
 * Opens a connection that listens, and tries whether a notice from another connection arrives on it. Behind a pooler in
 * transaction mode it would not: the pooler runs `LISTEN` on a server connection that it then gives to another client.
 * One trial is enough, because a connection that is not pooled stays so. Later heartbeats are notices to itself, which
 * need no free connection of the pool. Rejects, and leaves nothing open, if the connection cannot be used.
 */
export async function openListener({ connection, schema, notify, onTrial, onEnd }: ListenerOptions): Promise<Listener> {
  const ownChannel = `latchkey_heartbeat_${randomUUID()}`
  const receivers = new Map<NoticeHandlers, string>()
  const { beat, arrived } = heartbeat(arrivalMilliseconds)
  // Pass our own socket, so that close() can destroy it: pg would wait for a silent server to close it.
  const socket = new Socket()
  const client = new pg.Client({
    ...connection,
    stream: () => socket,
    connectionTimeoutMillis: connectMilliseconds,
    query_timeout: connectMilliseconds,
    // A commit that waits for a synchronous standby makes all other notices wait, and keeps this connection busy.
    lock_timeout: arrivalMilliseconds,
    keepAlive: true
  })
  let isLost = false
  let last: Promise<unknown> = Promise.resolve()

  function lose(): void {
    if (isLost) return
    isLost = true
    onEnd()
    for (const { onLost } of receivers.keys()) onLost()
  }
  client.on('error', lose)
  client.on('end', lose)
  client.on('notification', ({ channel, payload }) => {
    if (channel === ownChannel) arrived()
    if (payload !== schema) return
    for (const [{ onNotice }, wanted] of receivers) if (wanted === channel) onNotice()
  })

  /** One statement at a time: pg warns of a client that has several. */
  function run(text: string, values: readonly string[] = []): Promise<unknown> {
    last = last.catch(() => undefined).then(() => client.query(text, [...values]))
    return last
  }
  const listen = (channel: string) => run(`LISTEN ${pg.escapeIdentifier(channel)}`)

  async function close(): Promise<void> {
    lose()
    await Promise.race([client.end().catch(() => undefined), delay(closeMilliseconds, undefined, { ref: false })])
    socket.destroy()
  }

  async function tryNotices(): Promise<void> {
    try {
      await beat(() => notify(ownChannel))
      onTrial(true)
    } catch (error) {
      if (error instanceof HeartbeatLost) onTrial(false)
      throw error
    }
  }

  try {
    await client.connect()
    await listen(ownChannel)
    await tryNotices()
  } catch (error) {
    await close()
    throw error
  }
  return {
    async add(channel, handlers) {
      receivers.set(handlers, channel)
      const remove = async () => {
        receivers.delete(handlers)
        if (receivers.size === 0) await close()
      }
      try {
        await listen(channel)
        return remove
      } catch (error) {
        await remove()
        throw error
      }
    },
    async ping() {
      if (isLost) throw new Error('The connection that listens is lost.')
      try {
        await beat(() => run("SELECT pg_notify($1, '')", [ownChannel]))
      } catch (error) {
        lose()
        throw error
      }
    }
  }
}
