import type { AccessClaims } from './core/access-claims.js'
import type { Allowance } from './core/allowance.js'
import type { DeviceTokenContent } from './core/device-token.js'
import type { Email } from './core/email.js'
import type { KeyTimes, RotationCause, RotationSettings } from './core/key-rotation.js'
import type { Mode, SessionPolicy } from './core/policy.js'
import type { EndedReason } from './core/reasons.js'
import type { TokenContent, TokenKind } from './core/refresh-token.js'
import type { IssuedToken, Refusal, Revocation } from './core/revocation.js'
import type { RotationState } from './core/rotation.js'

/**
 * What the use cases need from outside. Every time in this file is milliseconds since the epoch by
 * the database's clock, every id of a user or a session a lower-case UUID. A port that cannot serve
 * throws `Unavailable`, and then nothing was done or, where the answer was lost on the way, whatever
 * was done can be asked for again.
 */

/** The store, a queue or another part cannot serve now; answered with 503 and `Retry-After`. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
  constructor(
    message: string,
    readonly retryAfterSeconds = 1,
    options?: ErrorOptions
  ) {
    super(message, options)
  }
}

/** The database's clock, as well as this process can tell it without asking. */
export interface Clock {
  now(): number
  sleep(milliseconds: number): Promise<void>
}

/** Randomness fit for secrets. */
export interface Entropy {
  bytes(length: number): Uint8Array
  uuid(): string
}

/** SHA-256, in lower-case hex. */
export type Digest = (data: Uint8Array | string) => string

/** A person's account, without what proves it. */
export interface User {
  readonly id: string
  readonly email: string
  readonly roles: readonly string[]
  readonly disabled: boolean
  readonly createdAt: number
}

export interface UserWithPassword extends User {
  readonly passwordHash: string
}

export interface NewUser {
  readonly id: string
  readonly email: Email
  readonly passwordHash: string
  readonly roles: readonly string[]
}

export interface PageRequest {
  /** 1 to 200. */
  readonly limit: number
  /** `nextCursor` of the page before; a text that is no such cursor is `invalid_cursor`. */
  readonly cursor?: string | undefined
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly nextCursor: string | null
}

/** Thrown by a paged listing for a cursor that it did not make. */
export class InvalidCursor extends Error {
  override readonly name = 'InvalidCursor'
}

/** Who did something, and from where, for the event log. */
export interface Actor {
  /** The user who acted, where one is known. Not always the user it was done to. */
  readonly userId?: string | undefined
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
}

export interface UserStore {
  /** Adds the user; 'email_taken' where an account with that e-mail key exists, however many ask at once. Writes `user_registered`. */
  create(user: NewUser, actor: Actor): Promise<User | 'email_taken'>
  find(id: string): Promise<UserWithPassword | undefined>
  findByEmail(emailKey: string): Promise<UserWithPassword | undefined>
  /** Newest first; `emailPrefix` is the beginning of an e-mail key. */
  list(filter: { readonly emailPrefix?: string | undefined }, page: PageRequest): Promise<Page<User>>
  /** Whether any user that is not disabled has `role`. */
  anyWithRole(role: string): Promise<boolean>
  /** Puts a stronger hash of the same password in place of `oldHash`; does nothing where the hash is another by now. */
  upgradePasswordHash(id: string, oldHash: string, newHash: string): Promise<void>
  /**
   * Sets a new password and ends every session of the user but `keepSid`, all or nothing; undefined
   * where the hash is no longer `oldHash`. A login that was proved with the old password either
   * committed before and is ended here, or fails. Writes `password_changed` and `session_ended`s.
   */
  changePassword(
    change: { readonly userId: string; readonly oldHash: string; readonly newHash: string; readonly keepSid: string },
    actor: Actor
  ): Promise<readonly Revocation[] | undefined>
  /**
   * Changes roles and the disabled flag. Disabling ends every session; changed roles make the
   * access tokens issued before stale. All or nothing; undefined where there is no such user.
   */
  update(
    id: string,
    change: { readonly disabled?: boolean | undefined; readonly roles?: readonly string[] | undefined },
    actor: Actor
  ): Promise<{ readonly user: User; readonly revocations: readonly Revocation[] } | undefined>
  /** Deletes the user and every session with `reason`, all or nothing; undefined where there is no such user. */
  delete(id: string, reason: EndedReason, actor: Actor): Promise<readonly Revocation[] | undefined>
}

/** A session as people and ops see it. */
export interface Session {
  readonly id: string
  readonly userId: string
  readonly mode: Mode
  /** The name that the person gave this device, or null. */
  readonly device: string | null
  readonly userAgent: string | null
  readonly ip: string | null
  readonly createdAt: number
  readonly lastUsedAt: number
  readonly idleExpiresAt: number
  readonly absoluteExpiresAt: number
}

export interface NewSession {
  readonly id: string
  readonly userId: string
  readonly mode: Mode
  readonly secretHash: string
  readonly device: string | null
  readonly userAgent: string | null
  readonly ip: string | null
  /** How the person proved who they are (RFC 8176). */
  readonly amr: readonly string[]
  readonly idleTtlSeconds: number
  readonly absoluteTtlSeconds: number
}

/** A live session together with what its access token must say, and the clock's word on it. */
export interface LiveSession extends Session, RotationState {
  readonly secretHash: string
  readonly amr: readonly string[]
  /** When the person last proved who they are. */
  readonly authTime: number
  readonly user: User
  /** The database's clock when this was read. */
  readonly now: number
}

/** The one statement of a common refresh: this token, if the row still stands at its generation. */
export interface RotationAttempt {
  readonly sid: string
  readonly generation: number
  readonly secretHash: string
  readonly retryKeyHash: string | null
}

/** What of a row changes when a verdict is carried out. */
export interface RotationStep {
  readonly kind: 'renew' | 'recover' | 'restore'
  /** The row's generation afterwards. */
  readonly generation: number
  readonly retryKeyHash: string | null
}

export interface SessionStore {
  /**
   * Adds a session for a user who is not disabled and whose password hash is still the one the
   * login proved; 'user_changed' otherwise, whatever changes at the same moment. The user's oldest
   * sessions above `maxPerUser` end with `session_limit`, and `replaces`, where given, ends with
   * `logged_out`. Writes `login_succeeded`.
   */
  create(
    session: NewSession,
    conditions: { readonly passwordHash: string; readonly maxPerUser: number; readonly replaces?: string | undefined },
    actor: Actor
  ): Promise<{ readonly session: LiveSession; readonly revocations: readonly Revocation[] } | 'user_changed'>
  /**
   * Rotates by one conditional statement: id, generation, secret hash, last rotation at least
   * `graceSeconds` ago, both ends ahead, user not disabled. Undefined where any of them does not hold.
   */
  rotate(attempt: RotationAttempt): Promise<LiveSession | undefined>
  /** The row as it is now, even past its ends; undefined once it has gone. */
  find(sid: string): Promise<LiveSession | undefined>
  /** Carries out a verdict on the row as it was `seen`, and writes its event; false where it has moved meanwhile. */
  advance(seen: LiveSession, step: RotationStep, actor: Actor): Promise<boolean>
  /** Notes that a server-side session was used: moves its idle end, at most to the absolute one. */
  touch(sid: string): Promise<void>
  /** Ends one session: deletes the row, writes the revocation and the event, all or nothing. Undefined where it had gone. */
  end(target: EndTarget, reason: EndedReason, actor: Actor, note?: string): Promise<Revocation | undefined>
  /** Ends every session of a user but `keepSid`. */
  endAllOfUser(
    userId: string,
    options: {
      readonly keepSid?: string | undefined
      readonly reason: EndedReason
      readonly note?: string | undefined
    },
    actor: Actor
  ): Promise<readonly Revocation[]>
  /** Ends everybody's sessions, with one revocation that names none. */
  endEverybodys(actor: Actor): Promise<{ readonly count: number; readonly revocation: Revocation }>
  /** The user's live sessions, newest first. */
  listOfUser(userId: string): Promise<readonly Session[]>
  /** Live sessions, newest first. */
  list(
    filter: { readonly userId?: string | undefined; readonly ip?: string | undefined },
    page: PageRequest
  ): Promise<Page<Session>>
  /** How many sessions are live; counts no further than `most`, so that it is bounded whatever the table holds. */
  count(most: number): Promise<number>
  /** Gives the user's session another device name; undefined where it is not there or not theirs. */
  rename(sid: string, userId: string, device: string | null): Promise<Session | undefined>
}

/** Which session to end; a user id or a secret's hash that does not fit ends nothing. */
export interface EndTarget {
  readonly sid: string
  readonly userId?: string | undefined
  readonly secretHash?: string | undefined
}

export const eventTypes = [
  'user_registered',
  'login_succeeded',
  'login_failed',
  'session_ended',
  'refresh_recovered',
  'refresh_restored',
  'password_changed',
  'password_refused',
  'user_disabled',
  'user_enabled',
  'user_deleted',
  'roles_changed',
  'everybody_revoked',
  'signing_key_rotated'
] as const

export type EventType = (typeof eventTypes)[number]

export interface AuditEvent {
  readonly id: string
  readonly type: EventType
  readonly at: number
  readonly userId: string | null
  readonly sessionId: string | null
  readonly actorId: string | null
  /** Why, in one of our words: an `EndedReason` where a session ended. */
  readonly reason: string | null
  /** Why, in the words of whoever did it. */
  readonly note: string | null
  readonly ip: string | null
  readonly userAgent: string | null
}

export interface EventLog {
  /** Writes an event that goes with no change of any other row. */
  record(
    event: { readonly type: EventType; readonly userId?: string | undefined; readonly reason?: string | undefined },
    actor: Actor
  ): Promise<void>
  /** Newest first. Those of a session take in the end of everybody's, where that ended it. */
  list(
    filter: {
      readonly type?: EventType | undefined
      readonly userId?: string | undefined
      readonly sessionId?: string | undefined
    },
    page: PageRequest
  ): Promise<Page<AuditEvent>>
  /** Why the session ended; undefined where nobody remembers it. */
  endedReason(sid: string): Promise<EndedReason | undefined>
}

/** The live revocations this process knows of. */
export interface Revocations {
  /**
   * Whether an access token of a genuine signature must be refused all the same. No I/O. Throws
   * `Unavailable` where too little is known of what others have revoked, and the policy is to deny then.
   */
  refuses(token: IssuedToken): Refusal | undefined
  /** The earliest time at which a token of this session can be issued without being refused; 0 where any time will do. */
  issuableFrom(sid: string): number
  /** Takes in entries that this process has just written, and passes them on. */
  announce(revocations: readonly Revocation[]): Promise<void>
}

/** What this process knows of the feed, for health and metrics. */
export interface FeedState {
  /** Whether news arrive by push; where they do not, the log is read four times a second. */
  readonly connected: boolean
  /** Whether neither has worked for longer than is safe. */
  readonly stale: boolean
  /** How long ago it was last sure to know everything. */
  readonly lagSeconds: number
  /** Live entries in memory. */
  readonly size: number
}

/** The feed of revocations, whichever instance wrote them. */
export interface RevocationFeed {
  /** The live entries that a reader who has seen `id` may not have seen, or all, in the order of their ids. */
  read(id: bigint | undefined): Promise<readonly Revocation[]>
  /** Tells `follower` every entry as this process learns of it, until the function it returns is called. */
  follow(follower: (revocations: readonly Revocation[]) => void): () => void
  state(): FeedState
}

/** Server-side sessions, resolved at every request; each may be some seconds old, and none outlives an entry of the feed. */
export type SessionResolver = Pick<SessionStore, 'find' | 'touch'>

export interface PasswordHasher {
  /** Throws `Unavailable` where the queue is full: asked first, so that a flood costs no I/O. */
  requireRoom(): Promise<void>
  /** Throws `Unavailable` where the queue is full. */
  hash(password: string): Promise<string>
  /** Whether `password` is the one `hash` was made of; takes as long for an undefined `hash`, and then is false. */
  verify(password: string, hash: string | undefined): Promise<boolean>
  /** Whether `hash` was made by weaker settings than today's, or elsewhere. */
  isOutdated(hash: string): boolean
}

/** The list of passwords that too many people have. */
export type CommonPasswords = (lowerCase: string) => boolean

/** Whether a password is known to have leaked. Never throws: who cannot be asked knows of nothing. */
export type BreachedPasswords = (password: string) => Promise<boolean>

/** One use of an allowance: by whom is in `key`. */
export interface Use {
  readonly allowance: Allowance
  readonly key: string
}

/** What became of a use. */
export interface Taking {
  /** False where the allowance is used up; then nothing was counted. */
  readonly granted: boolean
  /** Uses in this window, this one among them where it was granted. */
  readonly uses: number
  /** How long the window goes on. */
  readonly endsInSeconds: number
}

/** Counts how often things are done. Never throws: counting goes on in memory where the shared store is away. */
export interface RateLimits {
  /** Takes one use of the allowance, however many ask at once. */
  take(use: Use): Promise<Taking>
  /** Takes one use back, as if it had not been made. */
  giveBack(use: Use): Promise<void>
}

/** Makes and checks the opaque credentials, with the keys that come of the root secrets. */
export interface OpaqueTokens {
  issue(kind: TokenKind, content: Omit<TokenContent, 'keyId'>): string
  /** The content of a genuine token, checked in constant time; undefined for any other text. */
  open(kind: TokenKind, text: string): TokenContent | undefined
}

/** Makes and checks what a client proves with that it has signed in to an account before. It is no credential. */
export interface DeviceTokens {
  issue(content: Omit<DeviceTokenContent, 'keyId'>): string
  /** The content of a genuine token, of whatever age, checked in constant time; undefined for any other text. */
  open(text: string): DeviceTokenContent | undefined
}

/** Signs and verifies access tokens with the keys that are in force. */
export interface AccessTokens {
  sign(claims: AccessClaims): Promise<string>
  /**
   * The payload of a token with a good signature by one of our keys, its exact `alg` and `typ`, and
   * no header that points elsewhere; undefined for any other text. Claims are not judged here.
   */
  open(token: string): unknown
  /** The public keys, as a JWK Set (RFC 7517 §5). */
  jwks(): { readonly keys: readonly JsonWebKey[] }
  /** Calls `follower` whenever this process may have other keys than before, until the function it returns is called. */
  followKeys(follower: () => void): () => void
}

/** A signing key without anything secret. */
export interface KeyRecord extends KeyTimes {
  readonly kid: string
  readonly alg: string
  readonly createdAt: number
}

/** The signing keys that all instances share. */
export interface SigningKeys {
  /** What a rotation by this instance goes by. */
  readonly settings: RotationSettings
  /** Every key, the newest first. */
  list(): Promise<readonly KeyRecord[]>
  /**
   * Makes the next key, as `planRotation` says, and writes `signing_key_rotated`, all or nothing; false
   * where the next key waits already. This instance knows of it when this resolves, the others
   * within a second.
   */
  rotate(cause: RotationCause, actor: Actor): Promise<boolean>
}

export interface JsonWebKey {
  readonly kid: string
  readonly kty: string
  readonly alg: string
  readonly use: 'sig'
  readonly [member: string]: string
}

/** What is decided about a person, and what it can come to: few words each, because they are labels of metrics. */
export const decisions = {
  login: ['succeeded', 'unknown_email', 'wrong_password', 'user_disabled', 'user_changed', 'limited'],
  registration: ['succeeded', 'email_taken'],
  refresh: ['rotated', 'current', 'replayed', 'recovered', 'restored', 'reuse', 'ended', 'refused', 'limited']
} as const

export type DecisionKind = keyof typeof decisions
export type Outcome<Kind extends DecisionKind> = (typeof decisions)[Kind][number]

/** Counts what was decided, and logs it. */
export interface Decisions {
  /** Called once the decision is committed. Never throws; nothing that is secret goes in. */
  note<Kind extends DecisionKind>(
    kind: Kind,
    outcome: Outcome<Kind>,
    about?: { readonly sid?: string | undefined; readonly userId?: string | undefined }
  ): void
}

/** What this process has done within one minute, which began at `at`. */
export interface MinuteCounts {
  readonly at: number
  /** Logins that succeeded. */
  readonly logins: number
  /** Refreshes that were answered with tokens. */
  readonly refreshes: number
  /** Entries that were added to the feed of revocations; everybody's sessions are one. */
  readonly revocations: number
  /** Sessions that ended because an old refresh token came back. */
  readonly reuse: number
}

/** What this process has counted and sees now. */
export interface Metrics {
  readonly contentType: string
  /** In the text that Prometheus reads. */
  text(): Promise<string>
  /** The last sixty minutes, the present one included, oldest first. */
  lastHour(): readonly MinuteCounts[]
  countResponse(status: number): void
}

/** Whether what we stand on can serve: the database answers and a signing key is at hand. Throws `Unavailable` otherwise. */
export type Readiness = () => Promise<void>

/** Who we are in our tokens. */
export interface Identity {
  readonly issuer: string
  readonly audience: string
}

/** Everything the use cases need; each of them names the part it takes. */
export interface Ports {
  readonly identity: Identity
  readonly policy: SessionPolicy & {
    readonly passwordMinLength: number
    /** Who ends another device must have logged in within so many seconds; 0 asks for nothing. */
    readonly reauthenticationSeconds: number
  }
  readonly clock: Clock
  readonly entropy: Entropy
  readonly digest: Digest
  readonly users: UserStore
  readonly sessions: SessionStore
  readonly events: EventLog
  readonly revocations: Revocations
  readonly revocationFeed: RevocationFeed
  readonly sessionResolver: SessionResolver
  readonly passwords: PasswordHasher
  readonly commonPasswords: CommonPasswords
  readonly breachedPasswords: BreachedPasswords
  readonly rateLimits: RateLimits
  readonly opaqueTokens: OpaqueTokens
  readonly deviceTokens: DeviceTokens
  readonly accessTokens: AccessTokens
  readonly signingKeys: SigningKeys
  readonly decisions: Decisions
  readonly metrics: Metrics
  readonly readiness: Readiness
}
