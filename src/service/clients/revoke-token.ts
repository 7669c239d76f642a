import { checkAccessClaims } from '../../core/access-claims.js'
import type { Actor, EndTarget, Ports } from '../../ports/index.js'
import { endSession, sessionOfToken } from '../sessions/end-session.js'

export type RevokeTokenPorts = Pick<
  Ports,
  'identity' | 'clock' | 'accessTokens' | 'opaqueTokens' | 'sessions' | 'revocations' | 'digest'
>

/**
 * Ends the session of a genuine token, and with it every token of that session. A refresh token may be of any generation.
 * Any other text, and a token whose session has ended, changes nothing and is no error (RFC 7009 §2.2).
 */
export async function revokeToken(ports: RevokeTokenPorts, token: string, actor: Actor): Promise<void> {
  const target =
    sessionOfToken(ports, 'refresh', token) ??
    sessionOfToken(ports, 'session', token) ??
    sessionOfAccessToken(ports, token)
  if (target !== undefined) await endSession(ports, target, 'logged_out', actor)
}

/** An expired access token ends nothing. */
function sessionOfAccessToken(ports: RevokeTokenPorts, token: string): EndTarget | undefined {
  const verdict = checkAccessClaims(ports.accessTokens.open(token), ports.identity, ports.clock.now())
  return verdict.ok ? { sid: verdict.claims.sid } : undefined
}
