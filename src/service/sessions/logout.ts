import type { Actor, EndTarget, Ports } from '../../ports/index.js'
import { Refused } from '../refused.js'
import { type AuthenticatePorts, authenticate } from './authenticate.js'
import { endSession, sessionOfToken } from './end-session.js'

export type LogoutCredential = { readonly kind: 'refresh' | 'session' | 'bearer'; readonly token: string }

/**
 * Ends the session of a credential. A refresh token may be of any generation. An opaque token that is not ours, or whose
 * session has ended, is accepted: the client is signed out either way (as in RFC 7009 §2.2).
 */
export async function logout(
  ports: AuthenticatePorts & Pick<Ports, 'sessions'>,
  { kind, token }: LogoutCredential,
  actor: Actor
): Promise<void> {
  const target = kind === 'bearer' ? await sessionOfBearer(ports, token) : sessionOfToken(ports, kind, token)
  if (target !== undefined) await endSession(ports, target, 'logged_out', actor)
}

async function sessionOfBearer(ports: AuthenticatePorts, token: string): Promise<EndTarget | undefined> {
  try {
    return { sid: (await authenticate(ports, { kind: 'bearer', token })).sessionId }
  } catch (error) {
    if (error instanceof Refused && error.code === 'session_revoked') return undefined
    throw error
  }
}
