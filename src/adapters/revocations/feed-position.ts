/** How far a reader of the revocation log has read, and which earlier ids can still appear. */
export interface FeedPosition {
  /** The highest id that was noted; 0 before the first. */
  readonly highest: bigint
  /** Notes the id of an entry that a read has returned: the read began at `now`, the entry was committed by `by`. */
  note(id: bigint, now: number, by?: number): void
  /**
   * Where a read that begins now can find new entries: above `above`, or at one of the ids `missing`, which are not above
   * it. Call it once for each read: an id whose time is over is named one last time.
   */
  next(now: number): { readonly above: bigint; readonly missing: readonly bigint[] }
  /** No new entry can appear at this id or below it, once the entries of the last read are noted. */
  readonly settled: bigint
}

/** Enough for the gaps of rolled-back transactions and of a promoted standby. Each read asks for each of these ids. */
const defaultMaxMissing = 256
/** Wide gaps that were noted within this time count as one, so that their number is bounded. */
const gapMergeMilliseconds = 1000

/**
 * A transaction gets its id before it commits. So a lower id can appear after a higher one, and the id of a rolled-back
 * transaction never appears. An id that was skipped counts as missing until `maxCommitMilliseconds` after the commit of
 * a higher one, and is then asked for a last time. If more than `maxMissing` are missing, as where ids are made from the
 * time, the position stays below them for that long instead, and the same entries are read again.
 */
export function feedPosition(maxCommitMilliseconds: number, maxMissing = defaultMaxMissing): FeedPosition {
  let highest = 0n
  /** Until when each of these ids can appear. */
  const missing = new Map<bigint, number>()
  /** Gaps with too many ids to list, from the lowest to the highest. */
  const wideGaps: { readonly above: bigint; readonly firstUntil: number; until: number }[] = []

  function noteGap(above: bigint, below: bigint, until: number): void {
    const size = below - above - 1n
    if (size <= BigInt(maxMissing - missing.size)) {
      for (let id = above + 1n; id < below; id += 1n) missing.set(id, until)
      return
    }
    const last = wideGaps.at(-1)
    if (last === undefined || until - last.firstUntil >= gapMergeMilliseconds) {
      wideGaps.push({ above, firstUntil: until, until })
    } else last.until = Math.max(last.until, until)
  }

  function forget(now: number): void {
    for (const [id, until] of missing) {
      if (until > now) break
      missing.delete(id)
    }
    while (wideGaps[0] !== undefined && wideGaps[0].until <= now) wideGaps.shift()
  }

  return {
    get highest() {
      return highest
    },
    note(id, now, by = now) {
      missing.delete(id)
      if (id <= highest) return
      const until = by + maxCommitMilliseconds
      if (until > now) noteGap(highest, id, until)
      highest = id
    },
    next(now) {
      const above = wideGaps[0]?.above ?? highest
      const asked = { above, missing: [...missing.keys()].filter((id) => id <= above) }
      forget(now)
      return asked
    },
    get settled() {
      let settled = wideGaps[0]?.above ?? highest
      for (const id of missing.keys()) if (id <= settled) settled = id - 1n
      return settled
    }
  }
}
