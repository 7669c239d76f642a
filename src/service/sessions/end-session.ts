import type { SessionTokenKind } from '../../core/opaque-token.js'
import type { EndedReason } from '../../core/vocabulary.js'
import type { Actor, EndTarget, Ports } from '../../ports/index.js'

/** Ends one session and announces it, so that its tokens are refused from now on; false if there was no such session. */
export async function endSession(
  ports: Pick<Ports, 'sessions' | 'revocations'>,
  target: EndTarget,
  reason: EndedReason,
  actor: Actor,
  note?: string
): Promise<boolean> {
  const revocation = await ports.sessions.end(target, reason, actor, note)
  if (revocation === undefined) return false
  await ports.revocations.announce([revocation])
  return true
}

/** The session of a genuine refresh or session token of any generation; undefined for any other text. */
export function sessionOfToken(
  ports: Pick<Ports, 'opaqueTokens' | 'digest'>,
  kind: SessionTokenKind,
  token: string
): EndTarget | undefined {
  const presented = ports.opaqueTokens.open(kind, token)
  return presented && { sid: presented.sid, secretHash: ports.digest(presented.secret) }
}
