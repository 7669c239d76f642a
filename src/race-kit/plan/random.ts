/** Random numbers that a seed determines. */
export interface Random {
  /** At least 0, less than 1. */
  fraction(): number
  /** A whole number, at least 0, less than `bound`. */
  below(bound: number): number
  between(min: number, max: number): number
  /** One of `items`. */
  pick<T>(items: readonly [T, ...T[]]): T
  /** An independent source: drawing from one does not change what the other gives. */
  fork(): Random
}

const range = 2 ** 32

/** A counter mixed by the 32-bit finalizer of MurmurHash3. Good for schedules, never for secrets. */
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
    between: (min, max) => min + fraction() * (max - min),
    pick: (items) => items[below(items.length)] ?? items[0],
    fork: () => seededRandom(next())
  }
}
