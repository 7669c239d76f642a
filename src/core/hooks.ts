/**
 * Who caused an event: a `request` over HTTP, the code of the `host`, the `command_line`, or `latchkey` itself, as when a
 * session expires.
 */
export type EventCause = 'request' | 'host' | 'command_line' | 'latchkey'

interface HookEvent {
  /** The same each time that this event is delivered, and different for every other event. */
  readonly id: string
  /** When it happened, in milliseconds since the epoch. */
  readonly at: number
  readonly by: EventCause
  /** The user who caused it, if Latchkey knows. */
  readonly actorId: string | null
  /** The external id of the account; if it was deleted, the last one. Null if there is none. */
  readonly externalId: string | null
}

/** An account was created, also one that waits for its confirmation. */
export interface UserCreated extends HookEvent {
  readonly userId: string
}

/** An account was deleted. */
export interface UserDeleted extends HookEvent {
  readonly userId: string
  /** `revoked_by_user`, `revoked_by_admin` or, if nobody has confirmed the address, `unconfirmed`. */
  readonly reason: string
}

interface OneSessionEnded extends HookEvent {
  readonly userId: string
  readonly sid: string
  /** A reason of `session_ended` (docs/errors.md). */
  readonly reason: string
}

interface EverySessionEnded extends HookEvent {
  readonly userId: null
  /** Null: every session of every user that existed at `at` has ended. */
  readonly sid: null
  readonly reason: string
}

/** A session has ended or, if `sid` is null, all of them. */
export type SessionEnded = OneSessionEnded | EverySessionEnded

/** What each kind of hook gets. */
export interface HookEvents {
  onUserCreated: UserCreated
  onUserDeleted: UserDeleted
  onSessionEnded: SessionEnded
}

export type HookKind = keyof HookEvents

/**
 * Gets one event; resolves once it is done with it. If it throws, or takes longer than 30 s, it gets the same event again
 * later. `signal` is aborted when the call has taken too long, or the app closes.
 */
export type HookFunction<Event> = (event: Event, signal: AbortSignal) => unknown

/** A function or, for several hooks of one kind, functions by name. Each name goes through the events for itself. */
export type Hook<Event> = HookFunction<Event> | Readonly<Record<string, HookFunction<Event>>>

/**
 * Functions that learn what has happened, also by another instance or the command line, at least once and in order
 * (docs/plugin.md).
 */
export interface HookOptions {
  /** Called for each account that was created. */
  readonly onUserCreated?: Hook<UserCreated> | undefined
  /** Called for each account that was deleted. */
  readonly onUserDeleted?: Hook<UserDeleted> | undefined
  /** Called for each session that has ended. */
  readonly onSessionEnded?: Hook<SessionEnded> | undefined
}

/** A hook, and the name under which the database keeps how far it has come. */
export type NamedHook<Kind extends HookKind = HookKind> = {
  readonly [Each in Kind]: { readonly kind: Each; readonly name: string; readonly run: HookFunction<HookEvents[Each]> }
}[Kind]

/** The name of a function among several, as the source of a regular expression. It is the label of a metric. */
const namePattern = /^[a-z][a-z0-9_-]{0,31}$/

/** The hooks of a host's options, and what is wrong with these options. */
export function readHooks(options: HookOptions): {
  readonly hooks: readonly NamedHook[]
  readonly faults: readonly string[]
} {
  const { onUserCreated, onUserDeleted, onSessionEnded } = options
  const hooks = [
    ...named('onUserCreated', onUserCreated),
    ...named('onUserDeleted', onUserDeleted),
    ...named('onSessionEnded', onSessionEnded)
  ]
  return {
    hooks: hooks.filter((hook) => faultOf(hook) === undefined),
    faults: hooks.flatMap((hook) => faultOf(hook) ?? [])
  }
}

/** `hook` as functions by the names of their cursors. A host without types can have given anything. */
function named<Kind extends HookKind>(kind: Kind, hook: Hook<HookEvents[Kind]> | undefined): NamedHook<Kind>[] {
  if (hook === undefined) return []
  if (typeof hook !== 'object' || hook === null) return [{ kind, name: kind, run: hook }]
  return Object.entries(hook).map(([name, run]) => ({ kind, name: `${kind}:${name}`, run }))
}

function faultOf({ kind, name, run }: NamedHook): string | undefined {
  const own = name.slice(kind.length + 1)
  if (name !== kind && !namePattern.test(own))
    return `${kind} has the name ${JSON.stringify(own)}: use 1 to 32 of a-z, 0-9, _ and -, with a letter first.`
  return typeof run === 'function' ? undefined : `${kind} must be a function, or an object with functions by name.`
}

/** The pause after this many failures in a row, in seconds: longer each time, up to a minute. */
export function hookPauseSeconds(failures: number): number {
  return Math.min(60, 2 ** (failures - 1))
}
