/** Numbers that come the same again from the same seed. */
export interface Random {
  /** From 0 up to, but without, 1. */
  fraction(): number
  /** A whole number from 0 up to, but without, `bound`. */
  below(bound: number): number
  /** From `least` up to `most`. */
  between(least: number, most: number): number
  /** One of `items`; `items` is not empty. */
  pick<T>(items: readonly [T, ...T[]]): T
  /** A source of its own: what is drawn from one has no effect on the other. */
  fork(): Random
}

const range = 2 ** 32

/** A counter run through a 32-bit mixer (the finalizer of MurmurHash3). For schedules, never for secrets. */
export function seededRandom(seed: number): Random {
  let counter = Math.trunc(seed) | 0
  const next = () => {
    counter = (counter + 0x9e3779b9) | 0
    let bits = counter ^ (counter >>> 16)
    bits = Math.imul(bits, 0x85ebca6b)
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
    return (bits ^ (bits >>> 16)) >>> 0
  }
  const fraction = () => next() / range
  const below = (bound: number) => Math.floor(fraction() * bound)
  return {
    fraction,
    below,
    between: (least, most) => least + fraction() * (most - least),
    pick: (items) => items[below(items.length)] ?? items[0],
    fork: () => seededRandom(next())
  }
}
