import { type HookEvents, type HookKind, hookPauseSeconds, type NamedHook } from '../../core/hooks.js'
import { inOneLine } from '../../ports/errors.js'
import type { HookCursor, HookLog } from '../../ports/hooks.js'
import type { Clock, Log } from '../../ports/runtime.js'
import { type HookWalk, hookWalk } from './hook-walk.js'

/** In seconds. */
interface HookTiming {
  /** How often an instance tries to take a hook that another one holds. */
  readonly claim: number
  /** How often the holder renews its lease. */
  readonly renew: number
  /** For how long a hook belongs to an instance that has stopped. Longer than `renew` and `call` together. */
  readonly lease: number
  /** How long one call may take. */
  readonly call: number
  /** How often the cursor is saved while the hook gets events. */
  readonly saveBusy: number
  /** How often it is saved while there are none, because other instances read from it how old their knowledge is. */
  readonly saveIdle: number
  /** How long `close` waits for a call that runs. */
  readonly close: number
}

const defaultTiming: HookTiming = {
  claim: 5,
  renew: 10,
  lease: 45,
  call: 30,
  saveBusy: 1,
  saveIdle: 10,
  close: 5
}

export interface HookWorkerParts<Kind extends HookKind> {
  readonly hook: NamedHook<Kind>
  readonly log: HookLog
  readonly clock: Pick<Clock, 'now'>
  /** The id of the instance. */
  readonly holder: string
  readonly logger: Log
  /** How long the database keeps events. */
  readonly retentionSeconds: number
  readonly timing?: Partial<HookTiming> | undefined
  readonly page?: number | undefined
}

/** What this process knows of a hook. */
export interface HookState {
  readonly name: string
  /** How long ago the hook had seen every event; NaN if this process does not know yet. */
  lagSeconds(): number
  /** The calls of this process. */
  counts(): { readonly delivered: number; readonly failed: number }
}

export interface HookWorker {
  readonly state: HookState
  /** Delivers what there is, if this instance has the hook or can take it, and no pause after a failure runs. Never rejects. */
  turn(): Promise<void>
  /** Begins no more calls, waits a moment for the one that runs, and gives the hook back. */
  close(): Promise<void>
}

const never = Number.NEGATIVE_INFINITY

/**
 * Delivers the events of one hook, one after the other, on one instance at a time: the holder of a lease. An event whose
 * call fails is delivered again after a pause, and the events behind it wait, so that their order is kept.
 */
export function hookWorker<Kind extends HookKind>(parts: HookWorkerParts<Kind>): HookWorker {
  const { hook, log, clock, holder, logger, retentionSeconds, page } = parts
  const timing = { ...defaultTiming, ...parts.timing }
  const { name } = hook
  const delivered = new Map<bigint, string>()
  const counts = { delivered: 0, failed: 0 }
  let walk: HookWalk<Kind> | undefined
  /** The cursor in the database. */
  let saved: HookCursor | undefined
  let savedAt = never
  let claimedAt = never
  let claimDueAt = never
  let retryAt = never
  let failures = 0
  let isOverdue = false
  let closed = false
  let running: Promise<void> | undefined
  let call: AbortController | undefined

  const secondsSince = (time: number) => (clock.now() - time) / 1000
  const inSeconds = (seconds: number) => clock.now() + seconds * 1000

  async function work(): Promise<void> {
    if (!(await hold()) || clock.now() < retryAt) return
    walk ??= await newWalk()
    const current = walk
    for (let event = await current.next(); event !== undefined; event = await current.next()) {
      warnIfOverdue(current)
      const isOurs = !closed && (await hold()) && walk === current
      if (!isOurs || !(await deliver(event))) break
      current.pass()
      if (secondsSince(savedAt) >= timing.saveBusy) await save(current)
    }
    if (walk === current) await save(current)
  }

  /** Whether this instance has the hook, and has it for longer than a call takes. */
  async function hold(): Promise<boolean> {
    if (secondsSince(claimedAt) < timing.renew) return true
    if (clock.now() < claimDueAt) return false
    const now = clock.now()
    const isHeld = await log.claim({ hook: name, holder, leaseSeconds: timing.lease })
    // Another instance may have gone on meanwhile.
    if (!isHeld || now - claimedAt > timing.lease * 1000) walk = undefined
    claimedAt = isHeld ? now : never
    claimDueAt = isHeld ? never : now + timing.claim * 1000
    if (!isHeld) saved = await log.cursor(name)
    return isHeld
  }

  async function newWalk(): Promise<HookWalk<Kind>> {
    await log.begin(name)
    const from = await log.cursor(name)
    if (from === undefined) throw new Error('The cursor of the hook was deleted.')
    saved = from
    savedAt = clock.now()
    return hookWalk({ kind: hook.kind, from, log, clock, delivered, page })
  }

  function warnIfOverdue(current: HookWalk<Kind>): void {
    const behindSeconds = secondsSince(current.cursor().caughtUpAt)
    if (isOverdue || behindSeconds <= retentionSeconds) return
    isOverdue = true
    logger.warn({ hook: name, behindSeconds }, 'hook: events that it has not seen may have been purged')
  }

  /** Whether the hook is done with the event. */
  async function deliver(event: HookEvents[Kind]): Promise<boolean> {
    try {
      await callHook(event)
    } catch (error) {
      if (!closed) noteFailure(event, error)
      return false
    }
    counts.delivered += 1
    if (failures > 0) logger.info({ hook: name, event: event.id, failures }, 'hook: works again')
    failures = 0
    return true
  }

  async function callHook(event: HookEvents[Kind]): Promise<void> {
    const controller = new AbortController()
    const { signal } = controller
    const tooLate = () => controller.abort(new Error(`The call took longer than ${timing.call} s.`))
    const timer = setTimeout(tooLate, timing.call * 1000)
    call = controller
    try {
      await Promise.race([
        // A copy: the next attempt must not see what this one has changed.
        (async () => hook.run({ ...event }, signal))(),
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      ])
    } finally {
      clearTimeout(timer)
      call = undefined
    }
  }

  function noteFailure({ id }: HookEvents[Kind], error: unknown): void {
    counts.failed += 1
    failures += 1
    const pauseSeconds = hookPauseSeconds(failures)
    retryAt = inSeconds(pauseSeconds)
    logger.warn({ hook: name, event: id, failures, pauseSeconds, reason: reasonOf(error) }, 'hook: failed')
  }

  async function save(current: HookWalk<Kind>): Promise<void> {
    const cursor = current.cursor()
    if (saved === undefined) return
    if (cursor.caughtUpAt > saved.caughtUpAt) isOverdue = false
    if (cursor.position === saved.position && secondsSince(savedAt) < timing.saveIdle) return
    // Another instance has moved it, or the database has lost commits.
    if (!(await log.save(name, saved.position, cursor))) {
      walk = undefined
      return
    }
    saved = cursor
    savedAt = clock.now()
    for (const id of delivered.keys()) if (id <= cursor.position) delivered.delete(id)
  }

  async function turn(): Promise<void> {
    running ??= work()
      .catch((error) => {
        walk = undefined
        logger.debug({ hook: name, reason: reasonOf(error) }, 'hook: its events could not be read')
      })
      .finally(() => {
        running = undefined
      })
    return running
  }

  return {
    state: {
      name,
      lagSeconds: () => secondsSince((walk?.cursor() ?? saved)?.caughtUpAt ?? Number.NaN),
      counts: () => counts
    },
    turn,
    async close() {
      closed = true
      const abandon = setTimeout(() => call?.abort(new Error('The app closes.')), timing.close * 1000)
      await running
      clearTimeout(abandon)
      await log.release({ hook: name, holder }).catch(() => undefined)
    }
  }
}

/** A hook can throw anything. */
function reasonOf(error: unknown): string {
  try {
    return inOneLine(error).slice(0, 500)
  } catch {
    return 'It threw something that has no text.'
  }
}
