import type { AccessClaims } from '../../core/access-claims.js'
import { tokenPrefixes } from '../../core/opaque-token.js'
import { sessionEnd } from '../../core/policy.js'
import { decideRotation } from '../../core/rotation.js'
import type { Ports } from '../../ports/index.js'
import type { LiveSession } from '../../ports/sessions.js'
import { Refused } from '../refused.js'
import { type AuthenticatePorts, acceptAccessToken, acceptSessionToken } from '../sessions/authenticate.js'
import { clientId } from '../sessions/issue-credentials.js'

/** What is known of a token that would be accepted now, as the claims of an access token name it. */
export type ActiveToken = Omit<AccessClaims, 'jti'> & {
  readonly jti?: string
  readonly tokenType: 'Bearer' | 'refresh_token' | 'session_token'
}

export type IntrospectPorts = AuthenticatePorts & Pick<Ports, 'sessions' | 'policy'>

/**
 * What a token is, where it would be accepted now; undefined for every other text, whatever is wrong
 * with it (RFC 7662 §2.2). Asking changes nothing: a refresh token is neither used nor found reused.
 * Throws `Unavailable` where nobody can tell.
 */
export async function introspect(ports: IntrospectPorts, token: string): Promise<ActiveToken | undefined> {
  if (token.startsWith(tokenPrefixes.refresh)) return introspectRefreshToken(ports, token)
  try {
    if (token.startsWith(tokenPrefixes.session))
      return ofSession(ports, await acceptSessionToken(ports, token), 'session_token')
    return { ...acceptAccessToken(ports, token), tokenType: 'Bearer' }
  } catch (error) {
    if (error instanceof Refused) return undefined
    throw error
  }
}

async function introspectRefreshToken(ports: IntrospectPorts, token: string): Promise<ActiveToken | undefined> {
  const presented = ports.opaqueTokens.open('refresh', token)
  if (presented === undefined) return undefined
  const session = await ports.sessions.find(presented.sid)
  if (session === undefined || session.user.disabled) return undefined
  if (session.secretHash !== ports.digest(presented.secret)) return undefined

  const { generation } = presented
  const { kind } = decideRotation(session, { generation, retryKeyHash: null }, ports.policy, session.now)
  return kind === 'reuse' || kind === 'expired' ? undefined : ofSession(ports, session, 'refresh_token')
}

/** These are for us, not for the APIs that an access token is for: their audience is the issuer. */
function ofSession(
  { identity }: Pick<Ports, 'identity'>,
  session: LiveSession,
  tokenType: 'refresh_token' | 'session_token'
): ActiveToken {
  return {
    tokenType,
    iss: identity.issuer,
    aud: identity.issuer,
    sub: session.userId,
    sid: session.id,
    client_id: clientId,
    iat: Math.floor(session.createdAt / 1000),
    exp: Math.floor(sessionEnd(session) / 1000),
    auth_time: Math.floor(session.authTime / 1000),
    amr: session.amr,
    roles: session.user.roles
  }
}
