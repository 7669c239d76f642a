import type { AccessClaims, ClientClaims } from '../../core/access-claims.js'
import { tokenPrefixes } from '../../core/opaque-token.js'
import { sessionEnd } from '../../core/policy.js'
import { decideRotation } from '../../core/rotation.js'
import type { LiveSession, Ports } from '../../ports/index.js'
import { Refused } from '../refused.js'
import { type AuthenticatePorts, acceptAnyToken, acceptSessionToken } from '../sessions/authenticate.js'
import { clientId } from '../sessions/issue-credentials.js'

/**
 * A token that would be accepted now, described with the claims of an access token. A refresh token has no claims of the
 * host: no API must accept it. Every member of ours has a reserved name, so no claim of the host takes its place.
 */
export type ActiveToken = ActiveUserToken | ActiveClientToken

type ActiveUserToken = Omit<AccessClaims, 'jti'> & {
  readonly jti?: string
  readonly token_type: 'Bearer' | 'refresh_token' | 'session_token'
}

type ActiveClientToken = ClientClaims & { readonly token_type: 'Bearer' }

export type IntrospectPorts = AuthenticatePorts & Pick<Ports, 'sessions' | 'policy'>

/**
 * Describes a token that would be accepted now; undefined for any other text, whatever is wrong with it (RFC 7662 §2.2).
 * Changes nothing: the refresh token is not used, and an old one does not end its session. Throws `Unavailable` if the
 * answer cannot be known.
 */
export async function introspect(ports: IntrospectPorts, token: string): Promise<ActiveToken | undefined> {
  if (token.startsWith(tokenPrefixes.refresh)) return introspectRefreshToken(ports, token)
  try {
    if (token.startsWith(tokenPrefixes.session)) {
      const session = await acceptSessionToken(ports, token)
      return { ...(await ports.addedClaims.ofRead(session)), ...describeOpaque(ports, session, 'session_token') }
    }
    return { ...acceptAnyToken(ports, token), token_type: 'Bearer' }
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
  return kind === 'reuse' || kind === 'expired' ? undefined : describeOpaque(ports, session, 'refresh_token')
}

/** Opaque tokens are for the issuer alone, so the issuer is their audience, not the APIs of access tokens. */
function describeOpaque(
  { identity }: Pick<Ports, 'identity'>,
  session: LiveSession,
  tokenType: 'refresh_token' | 'session_token'
): ActiveUserToken {
  return {
    token_type: tokenType,
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
