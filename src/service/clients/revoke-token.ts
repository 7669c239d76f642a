import { checkAccessClaims, isOfClient } from '../../core/access-claims.js'
import type { Actor, Ports } from '../../ports/index.js'
import { Refused } from '../refused.js'
import { endSession } from '../sessions/end-session.js'
import { endSessionOfToken, sessionsOfTokens } from '../sessions/held-token.js'

export type RevokeTokenPorts = Pick<
  Ports,
  | 'identity'
  | 'clock'
  | 'accessTokens'
  | 'opaqueTokens'
  | 'sessions'
  | 'revocations'
  | 'digest'
  | 'policy'
  | 'decisions'
  | 'mail'
>

/**
 * Ends the session of a genuine token, and with it every token of that session. A refresh token may be of any generation;
 * an old one leaves its trace as `reuse_detected`. Any other text, and a token whose session has ended, changes nothing
 * and is no error (RFC 7009 §2.2). An expired access token ends nothing. The
 * token of a machine client is refused (RFC 7009 §2.2.1): it ends with its secret, which has other tokens too.
 */
export async function revokeToken(ports: RevokeTokenPorts, token: string, actor: Actor): Promise<void> {
  const asEachKind = (['refresh', 'session'] as const).map((kind) => ({ kind, token }))
  const [session] = await sessionsOfTokens(ports, asEachKind, 'logged_out')
  if (session !== undefined) return void (await endSessionOfToken(ports, session, actor))

  const verdict = checkAccessClaims(ports.accessTokens.open(token), ports.identity, ports.clock.now())
  if (!verdict.ok) return
  if (isOfClient(verdict.claims)) throw new Refused('unsupported_token_type')
  await endSession(ports, { sid: verdict.claims.sid }, 'logged_out', actor)
}
