import type { EndedReason } from '../../core/vocabulary.js'
import type { Actor, EndDetails, EndTarget, Ports } from '../../ports/index.js'

/** Ends one session and announces it, so that its tokens are refused from now on; false if there was no such session. */
export async function endSession(
  ports: Pick<Ports, 'sessions' | 'revocations'>,
  target: EndTarget,
  reason: EndedReason,
  actor: Actor,
  details: EndDetails = {}
): Promise<boolean> {
  const revocation = await ports.sessions.end(target, reason, actor, details)
  if (revocation === undefined) return false
  await ports.revocations.announce([revocation])
  return true
}
