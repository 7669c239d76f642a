/** Events with a smaller order happen before the client or the thief acts in the same second. */
const early = 2

/** The model's clock, in whole seconds, and its future events. */
export function agenda() {
  const pending: { readonly at: number; readonly order: number; readonly happen: () => void }[] = []
  let now = 0
  return {
    now: () => now,
    /** Calls `happen` in `delay` seconds. Within one second, the smaller `order` comes first. */
    after(delay: number, order: number, happen: () => void) {
      const at = now + delay
      const place = pending.findIndex((other) => other.at > at || (other.at === at && other.order > order))
      pending.splice(place === -1 ? pending.length : place, 0, { at, order, happen })
    },
    /** Advances the clock and calls what is due; in the last second only the early events. */
    pass(seconds: number) {
      const until = now + seconds
      const isDue = ({ at, order }: { at: number; order: number }) => at < until || (at === until && order < early)
      for (let next = pending[0]; next !== undefined && isDue(next); next = pending[0]) {
        pending.shift()
        now = next.at
        next.happen()
      }
      now = until
    }
  }
}
