import type { HookEvents, HookKind } from '../core/hooks.js'

/** How far a hook has come in the event log. */
export interface HookCursor {
  /** The id of an event. The hook has seen it, and every event below it that can ever appear. */
  readonly position: bigint
  /** When the hook had last seen every event, in milliseconds. */
  readonly caughtUpAt: number
}

/** A row of the event log, as a hook of the kind sees it. */
export interface HookRow<Kind extends HookKind> {
  readonly id: bigint
  readonly at: number
  /** Null if the row is of no concern to hooks of this kind. */
  readonly event: HookEvents[Kind] | null
}

/** One instance's claim to a hook. */
interface HookHolder {
  /** The name of the hook. */
  readonly hook: string
  /** The id of the instance. */
  readonly holder: string
}

/** The event log as hooks read it, and how far each has come. */
export interface HookLog {
  /** Takes a hook for `leaseSeconds`, or goes on holding it. False if another instance has it. */
  claim(claim: HookHolder & { readonly leaseSeconds: number }): Promise<boolean>
  /** Gives a hook back, so that another instance can take it at once. Does nothing if this one does not hold it. */
  release(holder: HookHolder): Promise<void>
  /** How far a hook has come; undefined if no instance has ever begun it. */
  cursor(hook: string): Promise<HookCursor | undefined>
  /**
   * Lets a hook begin at the newest event, unless it has begun before. An event whose transaction is under way at this
   * moment may be left out.
   */
  begin(hook: string): Promise<void>
  /** Moves the cursor of a hook. False, with nothing done, if its position is no longer `from`. */
  save(hook: string, from: bigint, cursor: HookCursor): Promise<boolean>
  /** The rows with one of `ids`, and the first `limit` rows above `above`, of all types, in order of their ids. */
  read<Kind extends HookKind>(
    kind: Kind,
    rows: { readonly above: bigint; readonly ids: readonly bigint[]; readonly limit: number }
  ): Promise<readonly HookRow<Kind>[]>
}
