import type { Actor, Ports } from '../../ports/index.js'
import { Refused } from '../refused.js'
import { type AccessTokenPorts, authenticateBearer } from './authenticate.js'
import { endSession } from './end-session.js'
import { endSessionOfToken, type HeldToken, type ReusePorts, sessionsOfTokens } from './held-token.js'

/**
 * Ends the sessions of these tokens. A refresh token may be of any generation; an old one leaves its trace as
 * `reuse_detected`. A token that is not ours, or whose session has ended, is accepted: the client is signed out either way
 * (as in RFC 7009 §2.2).
 */
export async function logout(
  ports: ReusePorts & Pick<Ports, 'opaqueTokens' | 'digest' | 'policy' | 'sessions' | 'revocations'>,
  tokens: readonly HeldToken[],
  actor: Actor
): Promise<void> {
  if (await endByNewestToken(ports, tokens, actor)) return
  for (const session of await sessionsOfTokens(ports, tokens, 'logged_out')) {
    await endSessionOfToken(ports, session, actor)
  }
}

/**
 * Ends the session in one statement, if its newest token is the only one. False for any other token: only the row says
 * whether it is reuse.
 */
async function endByNewestToken(
  ports: Pick<Ports, 'opaqueTokens' | 'digest' | 'sessions' | 'revocations'>,
  [held, ...others]: readonly HeldToken[],
  actor: Actor
): Promise<boolean> {
  const presented = held && others.length === 0 ? ports.opaqueTokens.open(held.kind, held.token) : undefined
  if (presented === undefined) return false
  const { sid, secret, generation: newestGeneration } = presented
  const secretHash = ports.digest(secret)
  const revocation = await ports.sessions.endByToken({ sid, secretHash, newestGeneration, actor })
  if (revocation === undefined) return false
  await ports.revocations.announce([revocation])
  return true
}

/** Ends the session of an access token. One whose session has ended is accepted. */
export async function logoutByAccessToken(
  ports: AccessTokenPorts & Pick<Ports, 'sessions'>,
  token: string,
  actor: Actor
): Promise<void> {
  try {
    const { sessionId } = authenticateBearer(ports, token)
    await endSession(ports, { sid: sessionId }, 'logged_out', actor)
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== 'session_revoked') throw error
  }
}
