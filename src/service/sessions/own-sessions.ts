import type { Auth } from '../../core/access-claims.js'
import type { Ports, Session } from '../../ports/index.js'
import { Refused } from '../refused.js'

/** The live sessions of the signed-in user, newest first. */
export function listSessions(ports: Pick<Ports, 'sessions'>, auth: Auth): Promise<readonly Session[]> {
  return ports.sessions.listOfUser(auth.userId)
}

/** Gives one of the user's sessions another device name. */
export async function renameSession(
  ports: Pick<Ports, 'sessions'>,
  auth: Auth,
  input: { readonly sid: string; readonly device: string }
): Promise<Session> {
  const session = await ports.sessions.rename(input.sid, auth.userId, input.device)
  if (session === undefined) throw new Refused('not_found')
  return session
}
