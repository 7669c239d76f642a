import { type Auth, isLoginRecent } from '../../core/access-claims.js'
import type { Actor, Ports } from '../../ports/index.js'
import { Refused } from '../refused.js'
import { endSession } from './end-session.js'
import { requireRecentLogin } from './recent-login.js'

export type RevokeOwnSessionsPorts = Pick<Ports, 'sessions' | 'revocations' | 'clock' | 'policy'>

/** Ends one of the user's sessions. Another user's session is `not_found`, like one that does not exist. */
export async function revokeOwnSession(
  ports: RevokeOwnSessionsPorts,
  auth: Auth,
  sid: string,
  actor: Actor
): Promise<void> {
  const isCurrent = sid === auth.sessionId
  if (!isCurrent) requireRecentLogin(ports, auth)
  const reason = isCurrent ? 'logged_out' : 'revoked_by_user'
  if (!(await endSession(ports, { sid, userId: auth.userId }, reason, actor))) throw new Refused('not_found')
}

/**
 * Ends the user's other sessions, and with `all` the current one too; returns how many ended. Without other sessions, `all`
 * is a logout, which never asks for a recent login.
 */
export async function revokeOwnSessions(
  ports: RevokeOwnSessionsPorts,
  auth: Auth,
  all: boolean,
  actor: Actor
): Promise<number> {
  if (
    all &&
    !isLoginRecent(auth, ports.policy.reauthenticationSeconds, ports.clock.now()) &&
    (await isOnlySession(ports, auth))
  ) {
    // Only this one: another login may come in this moment, and its session may not end without a recent login.
    const own = { sid: auth.sessionId, userId: auth.userId }
    return (await endSession(ports, own, 'revoked_by_user', actor, { endsAddressChanges: true })) ? 1 : 0
  }
  requireRecentLogin(ports, auth)
  const keepSid = all ? undefined : auth.sessionId
  const revocations = await ports.sessions.endAllOfUser(auth.userId, { keepSid, reason: 'revoked_by_user' }, actor)
  await ports.revocations.announce(revocations)
  return revocations.length
}

async function isOnlySession({ sessions }: RevokeOwnSessionsPorts, { userId, sessionId }: Auth): Promise<boolean> {
  return (await sessions.listOfUser(userId)).every(({ id }) => id === sessionId)
}
