import { type AccessClaims, type Auth, authOfClaims, checkAccessClaims } from '../../core/access-claims.js'
import { sessionEnd } from '../../core/policy.js'
import type { LiveSession, Ports } from '../../ports/index.js'
import { Refused } from '../refused.js'

/** The credential of a request: an access token, or the token of a server-side session. */
export type PresentedCredential =
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'session'; readonly token: string }

export type AuthenticatePorts = Pick<
  Ports,
  'identity' | 'clock' | 'accessTokens' | 'opaqueTokens' | 'revocations' | 'sessionResolver' | 'digest'
>

/** A server-side session's idle end moves with its use. The move is written at most this often. */
const touchEverySeconds = 60

/** Finds out who sent a credential. An access token costs no I/O; a session comes from memory, else from the store. */
export async function authenticate(ports: AuthenticatePorts, { kind, token }: PresentedCredential): Promise<Auth> {
  if (kind === 'bearer') return authOfClaims(acceptAccessToken(ports, token))

  const session = await acceptSessionToken(ports, token)
  if (session.now - session.lastUsedAt >= touchEverySeconds * 1000) await ports.sessionResolver.touch(session.id)
  const { id: sessionId, userId, user, amr } = session
  return { userId, sessionId, roles: user.roles, amr, authTime: Math.floor(session.authTime / 1000) }
}

/** The claims of an access token that is good now; refuses any other text. */
export function acceptAccessToken(
  ports: Pick<Ports, 'identity' | 'clock' | 'accessTokens' | 'revocations'>,
  token: string
): AccessClaims {
  const verdict = checkAccessClaims(ports.accessTokens.open(token), ports.identity, ports.clock.now())
  if (!verdict.ok) throw new Refused(verdict.error)
  const refusal = ports.revocations.refuses(verdict.claims)
  if (refusal !== undefined) throw new Refused(refusal)
  return verdict.claims
}

/** The session of a session token that is good now; refuses any other text. Does not move the idle end. */
export async function acceptSessionToken(
  ports: Pick<Ports, 'opaqueTokens' | 'sessionResolver' | 'digest'>,
  token: string
): Promise<LiveSession> {
  const presented = ports.opaqueTokens.open('session', token)
  if (presented === undefined) throw new Refused('invalid_token')
  const session = await ports.sessionResolver.find(presented.sid)
  if (session === undefined || session.user.disabled) throw new Refused('session_revoked')
  if (session.mode !== 'session' || session.secretHash !== ports.digest(presented.secret)) {
    throw new Refused('invalid_token')
  }
  if (session.now >= sessionEnd(session)) throw new Refused('token_expired')
  return session
}
