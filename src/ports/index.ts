import type { SessionPolicy } from '../core/policy.js'
import type { EventLog } from './events.js'
import type { SigningKeys } from './keys.js'
import type { RateLimits } from './limits.js'
import type { Decisions, Metrics } from './metrics.js'
import type { BreachedPasswords, CommonPasswords, PasswordHasher } from './passwords.js'
import type { RevocationFeed, Revocations } from './revocations.js'
import type { Clock, Digest, Entropy, Identity, Readiness } from './runtime.js'
import type { SessionResolver, SessionStore } from './sessions.js'
import type { AccessTokens, OpaqueTokens } from './tokens.js'
import type { UserStore } from './users.js'

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
  readonly accessTokens: AccessTokens
  readonly signingKeys: SigningKeys
  readonly decisions: Decisions
  readonly metrics: Metrics
  readonly readiness: Readiness
}
