import { type Auth, authOfClaims, checkAccessClaims, isOfClient } from '../../core/access-claims.js'
import { sessionEnd } from '../../core/policy.js'
import type { HeldCredential, WatchEndReason } from '../../core/signed-in-watch.js'
import { endReasonOf } from '../../core/signed-in-watches.js'
import type { Ports } from '../../ports/index.js'
import type { SessionUser } from '../../ports/users.js'
import { type AccessTokenPorts, userAsRead } from './authenticate.js'

type WatchedSessionPorts = Pick<Ports, 'clock' | 'sessionResolver' | 'events' | 'addedClaims'>

/** The access token on which a connection rests, or why it is not good. This costs no I/O. */
export function watchedToken(ports: AccessTokenPorts, token: string): HeldCredential | WatchEndReason {
  const { accessTokens, revocations } = ports
  const verdict = checkAccessClaims(accessTokens.open(token), ports.identity, ports.clock.now())
  if (!verdict.ok) return verdict.error
  const { claims } = verdict
  // The token of a machine client signs nobody in.
  if (isOfClient(claims)) return 'invalid_token'
  return {
    auth: authOfClaims(claims),
    iat: claims.iat,
    expiresAt: claims.exp * 1000,
    refusal() {
      if (!accessTokens.hasKeyOf(token)) return 'invalid_token'
      const entry = revocations.entryAgainst(claims)
      return entry && endReasonOf(entry)
    }
  }
}

/**
 * The server-side session of a request that was accepted, on which a connection rests. It is read at once: the session may
 * have ended, and its user may have other roles, since the guard read it.
 */
export function watchedSession(ports: WatchedSessionPorts, auth: Auth): HeldCredential {
  const now = ports.clock.now()
  return {
    auth,
    iat: Math.floor(now / 1000),
    expiresAt: now,
    refusal: () => undefined,
    reread: () => endOfSession(ports, auth)
  }
}

/** When the session of `auth` ends unless it is used again, in milliseconds; or why its connections must end. */
async function endOfSession(ports: WatchedSessionPorts, auth: Auth): Promise<number | WatchEndReason> {
  const session = await ports.sessionResolver.find(auth.sessionId)
  if (session === undefined) return (await ports.events.endingOf(auth.sessionId))?.reason ?? 'session_revoked'
  const end = sessionEnd(session)
  if (session.now >= end) return session.now < session.absoluteExpiresAt ? 'idle_timeout' : 'absolute_timeout'
  return isOutdated(ports, auth, session.user) ? 'roles_changed' : end
}

/** Whether a change of the user that ends connections as `roles_changed` came after `auth` was read. */
function isOutdated({ addedClaims }: WatchedSessionPorts, auth: Auth, user: SessionUser): boolean {
  const before = userAsRead(auth)
  if (before === user) return false
  return !isSameSet(auth.roles, user.roles) || (before !== undefined && addedClaims.changeBetween(before, user))
}

const isSameSet = (some: readonly string[], others: readonly string[]) =>
  some.every((role) => others.includes(role)) && others.every((role) => some.includes(role))
