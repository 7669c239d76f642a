import { type Auth, authOfClaims, checkAccessClaims, isOfClient } from '../../core/access-claims.js'
import { sessionEnd } from '../../core/policy.js'
import type { HeldCredential, WatchEndReason } from '../../core/signed-in-watch.js'
import { endReasonOf } from '../../core/signed-in-watches.js'
import type { Ports } from '../../ports/index.js'
import type { AccessTokenPorts } from './authenticate.js'

type WatchedSessionPorts = Pick<Ports, 'clock' | 'sessionResolver' | 'events'>

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

/** The server-side session of a request that was accepted, on which a connection rests. It is read at once. */
export function watchedSession(ports: WatchedSessionPorts, auth: Auth): HeldCredential {
  const now = ports.clock.now()
  return {
    auth,
    iat: Math.floor(now / 1000),
    expiresAt: now,
    refusal: () => undefined,
    reread: () => endOfSession(ports, auth.sessionId)
  }
}

/** When a session ends unless it is used again, in milliseconds; or why it has ended. */
async function endOfSession(
  { sessionResolver, events }: WatchedSessionPorts,
  sid: string
): Promise<number | WatchEndReason> {
  const session = await sessionResolver.find(sid)
  if (session === undefined) return (await events.endingOf(sid))?.reason ?? 'session_revoked'
  const end = sessionEnd(session)
  if (session.now < end) return end
  return session.now < session.absoluteExpiresAt ? 'idle_timeout' : 'absolute_timeout'
}
