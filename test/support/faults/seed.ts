import type { Test } from 'tap'

/** Random numbers from a seed. The test prints its seed, and `FAULT_SEED` repeats it. */
export function seeded(t: Test): (below: number) => number {
  const seed = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)
  t.comment(`FAULT_SEED=${seed}`)
  let state = seed
  return (below) => {
    // A step of the "mulberry32" generator.
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
