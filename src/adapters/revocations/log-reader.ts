import type { Revocation } from '../../core/revocation-set.js'
import { maxCommitSeconds, type RevocationLog } from '../../ports/revocations.js'
import type { Clock } from '../../ports/runtime.js'
import { type FeedPosition, feedPosition } from './feed-position.js'

export interface LogReaderOptions {
  readonly log: Pick<RevocationLog, 'live' | 'after'>
  readonly clock: Pick<Clock, 'now'>
  /** Called at the end of each read and of `noteOwn` with the entries that were not known before, if any. */
  onNew(revocations: readonly Revocation[]): void
  /** The log has lost or replaced entries, so its ids have a new meaning. `lost`: those that it has under no id any more. */
  onReset(lost: readonly Revocation[]): void
}

export interface LogReader {
  /** Reads what is new, or everything if a comparison is due. Rejects if the log cannot be read. Never call it twice at once. */
  read(): Promise<void>
  /** Notes entries that this process has written. They always count, whatever their ids. */
  noteOwn(revocations: readonly Revocation[]): void
  /** Makes the next read a comparison: the connection was replaced, perhaps by one to another server. */
  compareNext(): void
  /** Whether `read` should be called although nothing is known to be new. */
  isComparisonDue(): boolean
  /** The live entries that became known after the one with this id, in that order; all if the id is unknown or undefined. */
  after(id: bigint | undefined): Revocation[]
}

const maxCommitMilliseconds = maxCommitSeconds * 1000
/** Compare at least this often. It bounds the harm of ids without an order, and of a reset that no other check has found. */
const comparisonMilliseconds = 60_000
/** After a comparison has found an entry that reading by id had missed, every read is a comparison for this long. */
const unorderedMilliseconds = 600_000
/** If more entries than this were to be asked for again, a comparison is cheaper. */
const maxAgain = 256
/** An entry that expires this soon may be absent because the database's clock is ahead of ours. */
const nearExpiryMilliseconds = 30_000
/** Expired entries are removed in small steps, so that no single read pays for many at once. */
const minSweep = 100

/**
 * Reads the revocation log by id: entries above the highest id, and the ids that are missing below it. That is sound only
 * while the log still has what was read from it. A standby that is promoted without the last commits gives their ids to
 * other entries. So each read also asks for the entry of the highest id again, and all live entries are compared with the
 * known ones after each failure, when `compareNext` says so, and once a minute.
 */
export function logReader({ log, clock, onNew, onReset }: LogReaderOptions): LogReader {
  /** Live entries by id, in the order in which they became known. */
  const known = new Map<bigint, Revocation>()
  /** Entries of this process that no read has returned yet. */
  const unconfirmed = new Set<Revocation>()
  /** Known entries whose ids were given to others. */
  let displaced: Revocation[] = []
  let position = feedPosition(maxCommitMilliseconds)
  let comparisonDue = true
  let comparedAt: number | undefined
  let unorderedUntil = Number.NEGATIVE_INFINITY

  const isComparisonDue = () =>
    comparisonDue ||
    displaced.length > 0 ||
    comparedAt === undefined ||
    clock.now() - comparedAt >= comparisonMilliseconds

  /** Returns the entries that were not known. */
  function note(revocations: readonly Revocation[]): readonly Revocation[] {
    const fresh = revocations.filter((entry) => {
      const same = known.get(entry.id)
      if (same !== undefined && isSame(same, entry)) return false
      if (same !== undefined) {
        displaced.push(same)
        known.delete(entry.id)
      }
      known.set(entry.id, entry)
      return true
    })
    sweep(minSweep + 2 * fresh.length)
    onNew(fresh)
    return fresh
  }

  function sweep(max: number): void {
    const now = clock.now()
    let left = max
    for (const [id, entry] of known) {
      if (entry.expiresAt > now || left <= 0) return
      known.delete(id)
      unconfirmed.delete(entry)
      left -= 1
    }
  }

  function advance(to: FeedPosition, rows: readonly Revocation[], startedAt: number): void {
    const now = clock.now()
    for (const { id, at } of rows) to.note(id, startedAt, Math.min(now, at + maxCommitMilliseconds))
  }

  async function readNew(): Promise<void> {
    const now = clock.now()
    const anchor = known.get(position.highest)
    if (anchor === undefined || isNearExpiry(anchor, now) || isComparisonDue() || now < unorderedUntil) return compare()
    const { above, missing } = position.next(now)
    const expected = [anchor, ...unconfirmed]
    const again = expected.map(({ id }) => id).filter((id) => id <= above || id === anchor.id)
    if (again.length > maxAgain) return compare()
    const rows = await log.after(above, [...again, ...missing])
    if (missingFrom(rows, expected).length > 0) return compare()
    for (const entry of expected) unconfirmed.delete(entry)
    note(rows)
    advance(position, rows, now)
    if (isComparisonDue()) return compare()
  }

  async function compare(): Promise<void> {
    comparisonDue = false
    const startedAt = clock.now()
    // Our own entries can arrive during the read, which does not have them then.
    const gone = new Set([...known.values()].filter((entry) => !isNearExpiry(entry, startedAt)))
    const confirmed = [...unconfirmed]
    const asked = position.next(startedAt)
    const next = feedPosition(maxCommitMilliseconds)
    let overlooked = false
    for await (const rows of log.live()) {
      for (const row of rows) {
        const same = known.get(row.id)
        if (same !== undefined && isSame(same, row)) gone.delete(same)
        else overlooked ||= row.id <= asked.above && !asked.missing.includes(row.id) && !isNearExpiry(row, startedAt)
      }
      note(rows)
      advance(next, rows, startedAt)
    }
    for (const entry of confirmed) unconfirmed.delete(entry)
    if (gone.size > 0 || displaced.length > 0) reset(gone)
    else if (overlooked && comparedAt !== undefined) unorderedUntil = startedAt + unorderedMilliseconds
    comparedAt = startedAt
    position = next
  }

  function reset(gone: ReadonlySet<Revocation>): void {
    for (const entry of gone) if (known.get(entry.id) === entry) known.delete(entry.id)
    const present = new Set([...known.values()].map(contentOf))
    const lost = new Set([...gone, ...displaced].filter((entry) => !present.has(contentOf(entry))))
    displaced = []
    onReset([...lost])
  }

  return {
    async read() {
      try {
        await readNew()
      } catch (error) {
        comparisonDue = true
        throw error
      }
    },
    noteOwn(revocations) {
      for (const revocation of note(revocations)) unconfirmed.add(revocation)
    },
    compareNext() {
      comparisonDue = true
    },
    isComparisonDue,
    after(id) {
      const now = clock.now()
      const live = (entry: Revocation) => entry.expiresAt > now
      const all = [...known.values()]
      // An unknown id is at -1, so the slice has everything.
      const last = id === undefined ? -1 : all.findLastIndex((entry) => entry.id === id)
      return all.slice(last + 1).filter(live)
    }
  }
}

function isNearExpiry({ expiresAt }: Revocation, now: number): boolean {
  return expiresAt <= now + nearExpiryMilliseconds
}

/** Those of `entries` that are not among `rows`, or are different there. */
function missingFrom(rows: readonly Revocation[], entries: readonly Revocation[]): Revocation[] {
  const byId = new Map(rows.map((row) => [row.id, row]))
  return entries.filter((entry) => {
    const row = byId.get(entry.id)
    return row === undefined || !isSame(row, entry)
  })
}

/** Whether two entries of one id are the same one. */
function isSame(a: Revocation, b: Revocation): boolean {
  return a.sid === b.sid && a.at === b.at
}

/** What makes an entry the same one under another id, as when another instance has written it again. */
export function contentOf({ sid, reason, at }: Revocation): string {
  return `${sid} ${reason} ${at}`
}
