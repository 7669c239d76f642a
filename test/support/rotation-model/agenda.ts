/** What has a smaller order than this happens before the client or the thief acts in the same second. */
const early = 2

/** The model's time, in whole seconds, and what is still to happen in it. */
export function agenda() {
  const pending: { readonly at: number; readonly order: number; readonly happen: () => void }[] = []
  let now = 0
  return {
    now: () => now,
    /** Lets something happen `delay` seconds from now; `order` settles what comes first within a second. */
    after(delay: number, order: number, happen: () => void) {
      const at = now + delay
      const place = pending.findIndex((other) => other.at > at || (other.at === at && other.order > order))
      pending.splice(place === -1 ? pending.length : place, 0, { at, order, happen })
    },
    /** Moves on by `seconds`, with everything that falls due until then; in the last second only what comes early. */
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
