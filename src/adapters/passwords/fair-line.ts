import type { PasswordSource } from '../../ports/passwords.js'
import type { WaitingLine } from '../queue/work-queue.js'

/** While both wait, one stranger is served after this many known devices: a flood of either cannot stop the other. */
const knownDevicesInARow = 3

/**
 * A line in which networks take turns, so that many passwords from one network wait behind one of each other network.
 * Known devices have their own places and go first. Each of the two groups has `max` places. If they are taken, the
 * network that holds the most gives its newest one up to a network that holds fewer.
 */
export function fairLine<Waiter>(max: number): WaitingLine<Waiter, PasswordSource> {
  const [known, strangers] = [turnsByNetwork<Waiter>(max), turnsByNetwork<Waiter>(max)]
  const groupOf = ({ knownDevice }: PasswordSource) => (knownDevice ? known : strangers)
  let knownInARow = 0

  return {
    get size() {
      return known.size() + strangers.size()
    },
    hasRoom: (source) => groupOf(source).hasRoom(source.network),
    join: (waiter, source) => groupOf(source).join(waiter, source.network),
    next() {
      const isStrangersTurn = knownInARow >= knownDevicesInARow && strangers.size() > 0
      const fromKnown = isStrangersTurn ? undefined : known.next()
      knownInARow = fromKnown === undefined ? 0 : knownInARow + 1
      return fromKnown ?? strangers.next()
    },
    leave(waiter) {
      known.leave(waiter)
      strangers.leave(waiter)
    }
  }
}

/** One group of the line. The first network of the map is next; after its turn it goes to the end. */
function turnsByNetwork<Waiter>(max: number) {
  const waiting = new Map<string, Waiter[]>()
  let size = 0

  function put(network: string, waiters: Waiter[]): void {
    if (waiters.length === 0) waiting.delete(network)
    else waiting.set(network, waiters)
  }

  function longest(): readonly [network: string, waiters: Waiter[]] {
    let found: readonly [string, Waiter[]] = ['', []]
    for (const entry of waiting) if (entry[1].length > found[1].length) found = entry
    return found
  }

  return {
    size: () => size,
    hasRoom(network: string): boolean {
      return size < max || longest()[1].length > (waiting.get(network)?.length ?? 0) + 1
    },
    join(waiter: Waiter, network: string): Waiter | undefined {
      if (!this.hasRoom(network)) return waiter
      const displaced = size < max ? undefined : this.dropNewest()
      put(network, [...(waiting.get(network) ?? []), waiter])
      size += 1
      return displaced
    },
    dropNewest(): Waiter | undefined {
      const [network, waiters] = longest()
      put(network, waiters.slice(0, -1))
      size -= 1
      return waiters.at(-1)
    },
    next(): Waiter | undefined {
      for (const [network, [first, ...rest]] of waiting) {
        waiting.delete(network)
        put(network, rest)
        size -= 1
        return first
      }
      return undefined
    },
    leave(waiter: Waiter): void {
      for (const [network, waiters] of waiting) {
        if (!waiters.includes(waiter)) continue
        put(
          network,
          waiters.filter((other) => other !== waiter)
        )
        size -= 1
      }
    }
  }
}
