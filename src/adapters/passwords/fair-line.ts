import type { PasswordSource } from '../../ports/passwords.js'
import type { WaitingLine } from '../queue/work-queue.js'

/** While both wait, one stranger is served after this many known devices: a flood of either cannot stop the other. */
const knownDevicesInARow = 3

/**
 * A line in which networks take turns, so that many passwords from one network wait behind one of each other network.
 * Anybody may take a free slot. While all are taken, known devices wait apart from strangers and go first: strangers in
 * all slots delay a known device until one of them has ended. Each of the two groups has `maxWaiting` places. If they are
 * taken, the network that holds the most gives its newest one up to a network that holds fewer.
 */
export function fairLine<Waiter>(maxRunning: number, maxWaiting: number): WaitingLine<Waiter, PasswordSource> {
  const known = groupOfNetworks<Waiter>(maxWaiting)
  const strangers = groupOfNetworks<Waiter>(maxWaiting)
  const groupOf = ({ knownDevice }: PasswordSource) => (knownDevice ? known : strangers)
  let running = 0
  let knownInARow = 0

  function nextWaiter(): Waiter | undefined {
    const stranger = knownInARow < knownDevicesInARow ? undefined : strangers.next()
    const fromKnown = stranger === undefined ? known.next() : undefined
    knownInARow = fromKnown === undefined ? 0 : knownInARow + 1
    return stranger ?? fromKnown ?? strangers.next()
  }

  return {
    load: () => ({ running, waiting: known.size() + strangers.size() }),
    start() {
      // A slot is only free while nobody waits: `next` has handed out all others.
      if (running >= maxRunning) return false
      running += 1
      return true
    },
    end() {
      running -= 1
    },
    hasRoom: (source) => running < maxRunning || groupOf(source).hasRoom(source.network),
    join: (waiter, source) => groupOf(source).join(waiter, source.network),
    next() {
      const waiter = running < maxRunning ? nextWaiter() : undefined
      if (waiter !== undefined) running += 1
      return waiter
    },
    leave(waiter) {
      known.leave(waiter)
      strangers.leave(waiter)
    },
    clear: () => [...known.clear(), ...strangers.clear()]
  }
}

/** One group of the line. The first network of the map is next; after its turn it goes to the end. */
function groupOfNetworks<Waiter>(max: number) {
  const waiting = new Map<string, readonly Waiter[]>()
  let size = 0

  /** Replaces the waiters of a network, which keeps its place among the networks. */
  function put(network: string, waiters: readonly Waiter[]): void {
    size += waiters.length - (waiting.get(network)?.length ?? 0)
    if (waiters.length === 0) waiting.delete(network)
    else waiting.set(network, waiters)
  }

  function busiest(): readonly [network: string, waiters: readonly Waiter[]] {
    let found: readonly [string, readonly Waiter[]] = ['', []]
    for (const entry of waiting) if (entry[1].length > found[1].length) found = entry
    return found
  }

  const hasRoom = (network: string) => size < max || busiest()[1].length > (waiting.get(network)?.length ?? 0) + 1

  return {
    size: () => size,
    hasRoom,
    join(waiter: Waiter, network: string): Waiter | undefined {
      if (!hasRoom(network)) return waiter
      const [from, waiters] = size < max ? [network, []] : busiest()
      if (waiters.length > 0) put(from, waiters.slice(0, -1))
      put(network, [...(waiting.get(network) ?? []), waiter])
      return waiters.at(-1)
    },
    next(): Waiter | undefined {
      const [entry] = waiting
      if (entry === undefined) return undefined
      const [network, [first, ...rest]] = entry
      put(network, [])
      put(network, rest)
      return first
    },
    leave(waiter: Waiter): void {
      for (const [network, waiters] of waiting) {
        if (waiters.includes(waiter))
          put(
            network,
            waiters.filter((other) => other !== waiter)
          )
      }
    },
    clear(): readonly Waiter[] {
      const all = [...waiting.values()].flat()
      waiting.clear()
      size = 0
      return all
    }
  }
}
