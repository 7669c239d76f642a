import type { Listen } from './notices.js'
import { type Listener, type ListenerOptions, openListener } from './postgres-listener.js'

export interface PostgresListenOptions extends Pick<ListenerOptions, 'connection' | 'schema' | 'notify'> {
  /** Called once when notices from another connection do not arrive, and again only after one has arrived. */
  onDeaf(): void
}

/** A single miss can come from a busy machine. */
const maxMisses = 1

/** Listens by `LISTEN`, for all channels of a process on one connection. */
export function postgresListen({ onDeaf, ...options }: PostgresListenOptions): Listen {
  let current: Promise<Listener> | undefined
  let misses = 0

  function onTrial(arrived: boolean): void {
    misses = arrived ? 0 : misses + 1
    if (misses === maxMisses + 1) onDeaf()
  }

  /** The open connection, or the attempt to open it. */
  function listener(): Promise<Listener> {
    if (current !== undefined) return current
    const opened = openListener({ ...options, onTrial, onEnd: forget })
    function forget(): void {
      if (current === opened) current = undefined
    }
    opened.catch(forget)
    current = opened
    return opened
  }

  return (channel) => async (handlers) => {
    const { add, ping } = await listener()
    return { ping, close: await add(channel, handlers) }
  }
}
