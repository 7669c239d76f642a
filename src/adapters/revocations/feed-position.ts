/** Up to where a reader of a feed has read, and what it has seen beyond. */
export interface FeedPosition {
  /** Every entry up to this id has been seen, or will never be written. */
  readonly settled: bigint
  /** Notes an entry that was committed at `by` at the latest; false where it was noted before. */
  note(id: bigint, now: number, by?: number): boolean
}

/**
 * Ids are given out before the commit, so a lower one can appear after a higher one, and one whose
 * transaction was rolled back never does. The position moves on only while no id is missing, and past
 * a missing one once a higher id had been committed `patienceMilliseconds` ago: by then it is not coming. So a
 * reader who asks for what lies above the position misses nothing, and mostly gets only what is new.
 */
export function feedPosition(patienceMilliseconds: number): FeedPosition {
  let settled = 0n
  // In the order in which they were seen, which is nearly that of the times.
  const seen = new Map<bigint, number>()

  const settle = (now: number): void => {
    for (const [id, at] of seen) {
      if (now - at < patienceMilliseconds) break
      if (id > settled) settled = id
      seen.delete(id)
    }
    while (seen.delete(settled + 1n)) settled += 1n
  }

  return {
    get settled() {
      return settled
    },
    note(id, now, by = now) {
      const isNew = id > settled && !seen.has(id)
      if (isNew) seen.set(id, by)
      settle(now)
      return isNew
    }
  }
}
