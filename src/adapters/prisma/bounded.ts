import { Unavailable } from '../../ports/errors.js'

/** How many operations a database takes on. */
export interface Bounds {
  readonly inFlight: number
  readonly waiting: number
  /** How long one operation may wait for its turn. */
  readonly waitSeconds: number
}

export interface Bounded {
  /** Runs `operation` when it is its turn, first come, first served; throws `Unavailable` where that is too far off. */
  run<T>(operation: () => Promise<T>): Promise<T>
  /** How many operations run and wait now. */
  load(): { readonly running: number; readonly waiting: number }
  /** Takes on nothing more, turns away who waits, and resolves when the last running operation has ended. */
  close(): Promise<void>
}

interface Waiter {
  admit(): void
  refuse(reason: Unavailable): void
}

/**
 * Bounds how much is asked of the database at once: a burst above it gets a fast `Unavailable`
 * rather than a queue that grows until every request in it is too late.
 */
export function bounded(bounds: Bounds): Bounded {
  const waiters = new Set<Waiter>()
  let running = 0
  let closed = false
  let drained: (() => void) | undefined

  function turn(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => waiter.refuse(new Unavailable(`No database connection came free in ${bounds.waitSeconds} s.`)),
        bounds.waitSeconds * 1000
      )
      const leaveQueue = () => {
        clearTimeout(timer)
        waiters.delete(waiter)
      }
      const waiter: Waiter = {
        admit() {
          leaveQueue()
          resolve()
        },
        refuse(reason) {
          leaveQueue()
          reject(reason)
        }
      }
      waiters.add(waiter)
    })
  }

  async function enter(): Promise<void> {
    if (closed) throw new Unavailable('The database is closed.')
    if (running < bounds.inFlight) {
      running += 1
      return
    }
    if (waiters.size >= bounds.waiting) throw new Unavailable('Too many operations wait for the database.')
    await turn()
  }

  function leave(): void {
    const [next] = waiters
    // The place passes from hand to hand, so that a newcomer cannot overtake who waits.
    if (next !== undefined) {
      next.admit()
      return
    }
    running -= 1
    if (running === 0) drained?.()
  }

  return {
    async run(operation) {
      await enter()
      try {
        return await operation()
      } finally {
        leave()
      }
    },
    load: () => ({ running, waiting: waiters.size }),
    async close() {
      closed = true
      for (const waiter of [...waiters]) waiter.refuse(new Unavailable('The database is closed.'))
      if (running > 0) await new Promise<void>((resolve) => (drained = resolve))
    }
  }
}
