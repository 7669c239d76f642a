import type { HookEvents, HookKind } from '../../core/hooks.js'
import type { HookCursor, HookLog, HookRow } from '../../ports/hooks.js'
import { maxCommitSeconds } from '../../ports/revocations.js'
import type { Clock } from '../../ports/runtime.js'
import { feedPosition } from '../revocations/feed-position.js'

/** One instance's way through the event log, from the cursor of a hook on. */
export interface HookWalk<Kind extends HookKind> {
  /**
   * The next event; undefined if there is none now. It stays the next one until `pass`. After it has rejected, because the
   * log cannot be read or is not as it was, only a new walk can go on.
   */
  next(): Promise<HookEvents[Kind] | undefined>
  /** Goes on behind the event that `next` has returned: the hook is done with it. */
  pass(): void
  /** How far the cursor in the database may go now. */
  cursor(): HookCursor
}

export interface HookWalkParts<Kind extends HookKind> {
  readonly kind: Kind
  /** The cursor in the database. */
  readonly from: HookCursor
  readonly log: Pick<HookLog, 'read'>
  readonly clock: Pick<Clock, 'now'>
  /** The events above the cursor that this instance has delivered, by the ids of their rows. It outlives a walk. */
  readonly delivered: Map<bigint, string>
  /** The number of rows of one statement; 200 by default. */
  readonly page?: number | undefined
}

const maxCommitMilliseconds = maxCommitSeconds * 1000

/**
 * Ids are given before the commit, so an event with a lower id can appear later. The walk finds it as the feed of
 * revocations does (`feedPosition`): it keeps asking for the ids that are missing. The cursor stays below them for as long
 * as they can appear, so that another instance would ask for them too. Each reading also asks for the newest known row: if
 * it is gone, or another one, the database has lost commits and gives their ids to other events.
 */
export function hookWalk<Kind extends HookKind>(parts: HookWalkParts<Kind>): HookWalk<Kind> {
  const { kind, from, log, clock, delivered, page = 200 } = parts
  const position = feedPosition(maxCommitMilliseconds)
  // All that is below the cursor has been seen, so no id is missing there.
  position.note(from.position, clock.now(), 0)
  let { caughtUpAt } = from
  let waiting: { readonly id: bigint; readonly event: HookEvents[Kind] }[] = []
  let newest: Pick<HookRow<Kind>, 'id' | 'at'> | undefined
  /** The newest row, until this reading has returned it too. */
  let expected: typeof newest
  let startedAt = 0
  /** Where this reading goes on; undefined if it is complete. */
  let readUpTo: bigint | undefined

  async function readPage(): Promise<void> {
    const { above, ids } = readUpTo === undefined ? beginReading() : { above: readUpTo, ids: [] }
    const rows = await log.read(kind, { above, ids, limit: page })
    if (rows.some(({ id, at }) => id === expected?.id && at === expected.at)) expected = undefined
    const inOrder = rows.filter(({ id }) => id > above)
    readUpTo = inOrder.length < page ? undefined : inOrder.at(-1)?.id
    const isOverdue = expected !== undefined && (readUpTo === undefined || expected.id <= above)
    if (isOverdue) throw new Error('The event log has lost entries, as after a failover.')
    for (const row of rows) take(row)
  }

  function beginReading() {
    startedAt = clock.now()
    expected = newest
    const { above, missing } = position.next(startedAt)
    const ids = newest !== undefined && newest.id <= above ? [...missing, newest.id] : missing
    return { above, ids }
  }

  function take({ id, at, event }: HookRow<Kind>): void {
    if (id === newest?.id) return
    position.note(id, startedAt, Math.min(startedAt, at + maxCommitMilliseconds))
    if (newest === undefined || id > newest.id) newest = { id, at }
    if (event !== null && delivered.get(id) !== event.id) waiting.push({ id, event })
  }

  return {
    async next() {
      if (waiting.length > 0) return waiting[0]?.event
      do await readPage()
      while (waiting.length === 0 && readUpTo !== undefined)
      if (waiting.length === 0) caughtUpAt = startedAt
      return waiting[0]?.event
    },

    pass() {
      const [passed, ...rest] = waiting
      if (passed !== undefined) delivered.set(passed.id, passed.event.id)
      waiting = rest
    },

    cursor() {
      if (expected !== undefined) return { position: from.position, caughtUpAt }
      let seen = position.settled
      if (readUpTo !== undefined && readUpTo < seen) seen = readUpTo
      if (waiting[0] !== undefined && waiting[0].id <= seen) seen = waiting[0].id - 1n
      return { position: seen, caughtUpAt }
    }
  }
}
