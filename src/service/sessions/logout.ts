import type { Actor } from '../../ports/events.js'
import type { Ports } from '../../ports/index.js'
import type { EndTarget } from '../../ports/sessions.js'
import { Refused } from '../refused.js'
import { type AuthenticatePorts, authenticate } from './authenticate.js'

export type LogoutCredential = { readonly kind: 'refresh' | 'session' | 'bearer'; readonly token: string }

/**
 * Ends the session that a credential belongs to. An opaque token that is not ours, or whose session
 * has gone, is no fault: whoever logs out wants to be out (as RFC 7009 §2.2). Any generation will do.
 */
export async function logout(
  ports: AuthenticatePorts & Pick<Ports, 'sessions'>,
  credential: LogoutCredential,
  actor: Actor
): Promise<void> {
  const target = await sessionOf(ports, credential)
  if (target === undefined) return
  const revocation = await ports.sessions.end(target, 'logged_out', actor)
  if (revocation !== undefined) await ports.revocations.announce([revocation])
}

async function sessionOf(ports: AuthenticatePorts, { kind, token }: LogoutCredential): Promise<EndTarget | undefined> {
  if (kind === 'bearer') {
    try {
      return { sid: (await authenticate(ports, { kind, token })).sessionId }
    } catch (error) {
      if (error instanceof Refused && error.code === 'session_revoked') return undefined
      throw error
    }
  }
  const presented = ports.opaqueTokens.open(kind, token)
  return presented && { sid: presented.sid, secretHash: ports.digest(presented.secret) }
}
