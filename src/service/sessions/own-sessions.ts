import type { Auth } from '../../core/access-claims.js'
import { withVisibleTimes } from '../../core/visible-times.js'
import type { Ports, Session } from '../../ports/index.js'
import { Refused } from '../refused.js'

export type OwnSessionsPorts = Pick<Ports, 'sessions' | 'policy' | 'clock'>

/** The live sessions of the signed-in user, newest first. */
export async function listSessions(ports: OwnSessionsPorts, auth: Auth): Promise<readonly Session[]> {
  const sessions = await ports.sessions.listOfUser(auth.userId)
  return sessions.map((session) => visibleSession(ports, session))
}

/** Gives one of the user's sessions another device name. */
export async function renameSession(
  ports: OwnSessionsPorts,
  auth: Auth,
  input: { readonly sid: string; readonly device: string }
): Promise<Session> {
  const session = await ports.sessions.rename(input.sid, auth.userId, input.device)
  if (session === undefined) throw new Refused('not_found')
  return visibleSession(ports, session)
}

/** A session as its user sees it. */
export function visibleSession({ policy, clock }: Omit<OwnSessionsPorts, 'sessions'>, session: Session): Session {
  return withVisibleTimes(session, policy.refreshIdleTtlSeconds, clock.now())
}
