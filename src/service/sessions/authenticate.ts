import {
  type AccessClaims,
  type Auth,
  authOfClaims,
  authOfClient,
  type ClientAuth,
  type ClientClaims,
  checkAccessClaims,
  isOfClient
} from '../../core/access-claims.js'
import { sessionEnd } from '../../core/policy.js'
import { hasScope } from '../../core/scopes.js'
import type { LiveSession, Ports } from '../../ports/index.js'
import type { SessionUser } from '../../ports/users.js'
import { Refused } from '../refused.js'

export type AccessTokenPorts = Pick<Ports, 'identity' | 'clock' | 'accessTokens' | 'revocations'>

type SessionTokenPorts = Pick<Ports, 'opaqueTokens' | 'sessionResolver' | 'digest' | 'addedClaims'>

export type AuthenticatePorts = AccessTokenPorts & SessionTokenPorts

/** A server-side session's idle end moves with its use. The move is written at most this often. */
const touchEverySeconds = 60

/** Finds out who sent an access token. This costs no I/O. */
export function authenticateBearer(ports: AccessTokenPorts, token: string): Auth {
  return authOfClaims(acceptAccessToken(ports, token))
}

/** Finds out which machine client sent an access token, and refuses it without `scope`. This costs no I/O. */
export function authenticateClient(ports: AccessTokenPorts, token: string, scope: string): ClientAuth {
  return authOfClient(acceptClientToken(ports, token, scope))
}

/**
 * Finds out who sent the token of a server-side session. The session comes from memory, else from the store. `forHost`:
 * `claims` has what the host adds, and a failure of its function is `Unavailable`. Otherwise `claims` is empty: Latchkey's
 * own routes need none, and must work while that function fails.
 */
export async function authenticateSession(
  ports: SessionTokenPorts,
  token: string,
  { forHost }: { readonly forHost: boolean }
): Promise<Auth> {
  const session = await acceptSessionToken(ports, token)
  if (session.now - session.lastUsedAt >= touchEverySeconds * 1000) await ports.sessionResolver.touch(session.id)
  const { id: sessionId, userId, user, amr } = session
  const claims = forHost ? await ports.addedClaims.ofRead(session) : {}
  const auth = { userId, sessionId, roles: user.roles, amr, authTime: Math.floor(session.authTime / 1000), claims }
  usersAsRead.set(auth, user)
  return auth
}

const usersAsRead = new WeakMap<Auth, SessionUser>()

/** The user of a server-side session as it was read for `auth`, which may be outdated after any wait. */
export const userAsRead = (auth: Auth): SessionUser | undefined => usersAsRead.get(auth)

/** The claims of a user's access token that is good now; refuses any other text, and the token of a machine client. */
function acceptAccessToken(ports: AccessTokenPorts, token: string): AccessClaims {
  const claims = acceptAnyToken(ports, token)
  if (isOfClient(claims)) throw new Refused('insufficient_scope')
  return claims
}

/** The claims of a client's access token that is good now and has `scope`; refuses any other text. */
export function acceptClientToken(ports: AccessTokenPorts, token: string, scope: string): ClientClaims {
  const claims = acceptAnyToken(ports, token)
  if (!isOfClient(claims) || !hasScope(claims.scope, scope)) throw new Refused('insufficient_scope', { scope })
  return claims
}

/** The claims of an access token that is good now, of a user or of a machine client; refuses any other text. */
export function acceptAnyToken(ports: AccessTokenPorts, token: string): AccessClaims | ClientClaims {
  const verdict = checkAccessClaims(ports.accessTokens.open(token), ports.identity, ports.clock.now())
  if (!verdict.ok) throw new Refused(verdict.error)
  const refusal = ports.revocations.refuses(verdict.claims)
  if (refusal !== undefined) throw new Refused(refusal)
  return verdict.claims
}

/** The session of a session token that is good now; refuses any other text. Does not move the idle end. */
export async function acceptSessionToken(ports: SessionTokenPorts, token: string): Promise<LiveSession> {
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
