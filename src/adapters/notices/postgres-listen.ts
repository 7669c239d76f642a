import type { Listen } from './notices.js'
import { type Listener, type ListenerOptions, openListener } from './postgres-listener.js'

export interface PostgresListenOptions extends Pick<ListenerOptions, 'connection' | 'schema' | 'notify'> {
  /** Called when notices from another connection do not arrive. Then not again until one has arrived. */
  onDeaf(): void
}

/** One miss can be a busy machine's. */
const missesOfTheDeaf = 2

/** Listens by `LISTEN`, for all channels of a process on one connection. */
export function postgresListen({ onDeaf, ...options }: PostgresListenOptions): Listen {
  let current: Promise<Listener> | undefined
  let misses = 0

  function hearing(hears: boolean): void {
    misses = hears ? 0 : misses + 1
    if (misses === missesOfTheDeaf) onDeaf()
  }

  /** The open connection, or the attempt to open it. */
  function listener(): Promise<Listener> {
    if (current !== undefined) return current
    const opened = openListener({ ...options, hearing, onEnd: forget })
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
