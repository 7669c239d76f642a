import { setTimeout as delay } from 'node:timers/promises'

/** The heartbeat was sent and did not arrive in time. */
export class HeartbeatLost extends Error {
  override readonly name = 'HeartbeatLost'
}

export interface Heartbeat {
  /**
   * Sends a heartbeat by `send`, and resolves when it has arrived. Rejects as `send` does, and with `HeartbeatLost`.
   * Callers during that time, and shortly after, share one heartbeat.
   */
  beat(send: () => Promise<unknown>): Promise<void>
  /** Must be called when a heartbeat arrives. */
  arrived(): void
}

/** A heartbeat that has arrived counts for this long, so that the subscriptions that share a connection share it too. */
const countsMilliseconds = 500

/** Notices from a connection to itself. They show that notices arrive, which an answer to a command does not. */
export function heartbeat(arrivalMilliseconds: number): Heartbeat {
  let arrived = () => {}
  let beating: Promise<void> | undefined
  const forget = () => {
    beating = undefined
  }

  async function beatOnce(send: () => Promise<unknown>): Promise<void> {
    const tooLate = new AbortController()
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve
    })
    try {
      await send()
      await Promise.race([arrival, delay(arrivalMilliseconds, undefined, { signal: tooLate.signal }).then(refuse)])
      setTimeout(forget, countsMilliseconds).unref()
    } catch (error) {
      forget()
      throw error
    } finally {
      tooLate.abort()
    }
  }

  return {
    beat(send) {
      beating ??= beatOnce(send)
      return beating
    },
    arrived: () => arrived()
  }
}

function refuse(): never {
  throw new HeartbeatLost('A notice to this connection did not arrive.')
}
