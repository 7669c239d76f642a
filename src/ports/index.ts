import type { SessionPolicy } from '../core/policy.js'
import type { AddedClaims } from './added-claims.js'
import type { ClientResolver, ClientStore } from './clients.js'
import type { EventLog } from './events.js'
import type { SigningKeys } from './keys.js'
import type { Languages } from './languages.js'
import type { RateLimits } from './limits.js'
import type { LinkStore, MailLog, MailQueue } from './mail.js'
import type { Decisions, Metrics } from './metrics.js'
import type { BreachedPasswords, CommonPasswords, PasswordHasher } from './passwords.js'
import type { RevocationFeed, Revocations } from './revocations.js'
import type { Clock, Digest, Entropy, Identity, LogTo, Readiness } from './runtime.js'
import type { SessionResolver, SessionStore } from './sessions.js'
import type { AccessTokens, OpaqueTokens } from './tokens.js'
import type { UserStore } from './user-store.js'

export type * from './added-claims.js'
export type * from './clients.js'
export type * from './events.js'
export type * from './keys.js'
export type * from './languages.js'
export type * from './limits.js'
export type * from './mail.js'
export type * from './metrics.js'
export type * from './paging.js'
export type * from './passwords.js'
export type * from './revocations.js'
export type * from './runtime.js'
export type * from './sessions.js'
export type * from './tokens.js'
export type * from './user-store.js'
export type * from './users.js'

/**
 * Everything that the use cases need from outside; each use case names the ports it takes. In all ports, times are
 * milliseconds since the epoch by the database's clock, and ids are lower-case UUIDs, but those of clients begin with `client_`. A port that
 * cannot serve throws `Unavailable`. Then nothing was done, or the answer was lost and the same call can be made again.
 */
export interface Ports {
  readonly identity: Identity
  /** The address of the account page, to which links in mails lead. From the settings, never from a request. */
  readonly accountUrl: string
  readonly policy: SessionPolicy & {
    readonly passwordMinLength: number
    /** Whether people sign in with passwords. Otherwise nothing makes, changes or asks for one. */
    readonly passwordLogin: boolean
    /**
     * Who can create an account: everybody, only admins by an invitation, or only the command line and `ADMIN_EMAIL`.
     */
    readonly registration: 'open' | 'invited' | 'closed'
    /** Whether a new account gets a link that confirms its address, and whether it must be used before the account. */
    readonly emailVerification: 'off' | 'optional' | 'required'
    /** The attributes of users that go into access tokens, as claims of the same names. */
    readonly tokenAttributes: readonly string[]
    /** What `requireRecentLogin` allows, in seconds since the password was given. 0 requires nothing. */
    readonly reauthenticationSeconds: number
  }
  readonly clock: Clock
  readonly entropy: Entropy
  readonly digest: Digest
  readonly users: UserStore
  readonly clients: ClientStore
  /** From memory for up to 30 s, unless the feed says that the secret is deleted. Never issue tokens by it. */
  readonly clientResolver: ClientResolver
  readonly links: LinkStore
  readonly mail: MailQueue
  readonly mails: MailLog
  readonly languages: Languages
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
  readonly accessTokens: AccessTokens
  readonly addedClaims: AddedClaims
  readonly signingKeys: SigningKeys
  readonly decisions: Decisions
  readonly logTo: LogTo
  readonly metrics: Metrics
  readonly readiness: Readiness
  /** The delay before the response to a client that sent too many requests. */
  readonly refusalPause: () => Promise<void>
}
