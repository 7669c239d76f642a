import type { Actor, Ports, Session } from '../ports.js'
import type { Auth } from './authenticate.js'
import { Refused } from './refused.js'

export type SessionsPorts = Pick<Ports, 'sessions' | 'revocations'>

/** The person's own live sessions, newest first. */
export function listSessions(ports: SessionsPorts, auth: Auth): Promise<readonly Session[]> {
  return ports.sessions.listOfUser(auth.userId)
}

/** Gives one of the person's sessions another device name. */
export async function renameSession(
  ports: SessionsPorts,
  auth: Auth,
  input: { readonly sid: string; readonly device: string }
): Promise<Session> {
  const session = await ports.sessions.rename(input.sid, auth.userId, input.device)
  if (session === undefined) throw new Refused('not_found')
  return session
}

/** Ends one of the person's sessions; somebody else's is as unknown as one that never was. */
export async function revokeSession(ports: SessionsPorts, auth: Auth, sid: string, actor: Actor): Promise<void> {
  const reason = sid === auth.sessionId ? 'logged_out' : 'revoked_by_user'
  const revocation = await ports.sessions.end({ sid, userId: auth.userId }, reason, actor)
  if (revocation === undefined) throw new Refused('not_found')
  await ports.revocations.announce([revocation])
}

/** Ends the person's other sessions, and this one too where `all` is set; says how many. */
export async function revokeSessions(ports: SessionsPorts, auth: Auth, all: boolean, actor: Actor): Promise<number> {
  const keepSid = all ? undefined : auth.sessionId
  const revocations = await ports.sessions.endAllOfUser(auth.userId, { keepSid, reason: 'revoked_by_user' }, actor)
  await ports.revocations.announce(revocations)
  return revocations.length
}
