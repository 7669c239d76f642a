import { checkAccessClaims } from '../../core/access-claims.js'
import type { Actor } from '../../ports/events.js'
import type { Ports } from '../../ports/index.js'
import type { EndTarget } from '../../ports/sessions.js'

export type RevokeTokenPorts = Pick<
  Ports,
  'identity' | 'clock' | 'accessTokens' | 'opaqueTokens' | 'sessions' | 'revocations' | 'digest'
>

/**
 * Ends the session that a genuine token belongs to, and with it every token of that session. Any
 * other text, and a token whose session has gone, is no fault (RFC 7009 §2.2).
 */
export async function revokeToken(ports: RevokeTokenPorts, token: string, actor: Actor): Promise<void> {
  const target =
    opaqueTarget(ports, 'refresh', token) ?? opaqueTarget(ports, 'session', token) ?? accessTarget(ports, token)
  if (target === undefined) return
  const revocation = await ports.sessions.end(target, 'logged_out', actor)
  if (revocation !== undefined) await ports.revocations.announce([revocation])
}

/** Of any generation: whoever wants a session to end need not hold its newest token. */
function opaqueTarget(ports: RevokeTokenPorts, kind: 'refresh' | 'session', token: string): EndTarget | undefined {
  const presented = ports.opaqueTokens.open(kind, token)
  return presented && { sid: presented.sid, secretHash: ports.digest(presented.secret) }
}

/** An access token that has expired is of no power any more, this one included. */
function accessTarget(ports: RevokeTokenPorts, token: string): EndTarget | undefined {
  const verdict = checkAccessClaims(ports.accessTokens.open(token), ports.identity, ports.clock.now())
  return verdict.ok ? { sid: verdict.claims.sid } : undefined
}
