import { type AccessClaims, type Auth, authOfClaims, checkAccessClaims } from '../../core/access-claims.js'
import { sessionEnd } from '../../core/policy.js'
import type { Ports } from '../../ports/index.js'
import type { LiveSession } from '../../ports/sessions.js'
import { Refused } from '../refused.js'

export type { Auth }

/** What a request brought along: at most one of the two counts, and the header wins. */
export type PresentedCredential =
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'session'; readonly token: string }

export type AuthenticatePorts = Pick<
  Ports,
  'identity' | 'clock' | 'accessTokens' | 'opaqueTokens' | 'revocations' | 'sessionResolver' | 'digest'
>

/** Resolves a credential. An access token costs no I/O; a session token is resolved from memory, else from the store. */
export async function authenticate(ports: AuthenticatePorts, credential: PresentedCredential): Promise<Auth> {
  return credential.kind === 'bearer'
    ? authOfClaims(acceptAccessToken(ports, credential.token))
    : authenticateSession(ports, credential.token)
}

/** The claims of an access token that is good now. Throws `Refused` for any other. */
export function acceptAccessToken(
  ports: Pick<Ports, 'identity' | 'clock' | 'accessTokens' | 'revocations'>,
  token: string
): AccessClaims {
  const verdict = checkAccessClaims(ports.accessTokens.open(token), ports.identity, ports.clock.now())
  if (!verdict.ok) throw new Refused(verdict.error)
  const { claims } = verdict
  const refusal = ports.revocations.refuses(claims)
  if (refusal !== undefined) throw new Refused(refusal)
  return claims
}

/** A server-side session's idle end moves at its use, but is written at most this often. */
const touchEverySeconds = 60

async function authenticateSession(ports: AuthenticatePorts, token: string): Promise<Auth> {
  const session = await acceptSessionToken(ports, token)
  if (session.now - session.lastUsedAt >= touchEverySeconds * 1000) await ports.sessionResolver.touch(session.id)
  const { id: sessionId, userId, user, amr } = session
  return { userId, sessionId, roles: user.roles, amr, authTime: Math.floor(session.authTime / 1000) }
}

/** The session of a session token that is good now. Throws `Refused` for any other. Counts as no use. */
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
