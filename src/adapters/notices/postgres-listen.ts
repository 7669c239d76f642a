import type { Listen } from './notices.js'
import { type Listener, type ListenerOptions, openListener } from './postgres-listener.js'

export interface PostgresListenOptions extends Pick<ListenerOptions, 'connection' | 'schema' | 'notify'> {
  /** Called when notices from another connection do not arrive, but then not again until one has arrived. */
  onDeaf(): void
}

/** Listens by `LISTEN`, for all channels of a process on one connection. */
export function postgresListen({ onDeaf, ...options }: PostgresListenOptions): Listen {
  let current: Promise<Listener> | undefined
  let isDeaf = false

  function hearing(hears: boolean): void {
    if (!hears && !isDeaf) onDeaf()
    isDeaf = !hears
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
