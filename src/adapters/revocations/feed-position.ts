/** How far a reader of the revocation log has read. */
export interface FeedPosition {
  /** Every entry up to this id has been seen, or will never appear. */
  readonly settled: bigint
  /** Notes an entry that was committed at `by` or earlier; false if it was noted before. */
  note(id: bigint, now: number, by?: number): boolean
}

/**
 * A transaction gets its id before it commits. So a lower id can appear after a higher one, and the id of a rolled-back
 * transaction never appears. The position stops before a missing id, until a higher id was committed
 * `maxCommitMilliseconds` ago: then the missing one will not appear. A reader that asks for entries above the position
 * misses none, and mostly gets new ones alone.
 */
export function feedPosition(maxCommitMilliseconds: number): FeedPosition {
  let settled = 0n
  // In the order of arrival, which is nearly the order of commits.
  const seen = new Map<bigint, number>()

  const settle = (now: number): void => {
    for (const [id, at] of seen) {
      if (now - at < maxCommitMilliseconds) break
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
