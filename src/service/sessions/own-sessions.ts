import type { Actor } from '../../ports/events.js'
import type { Ports } from '../../ports/index.js'
import type { Session } from '../../ports/sessions.js'
import { Refused } from '../refused.js'
import type { Auth } from './authenticate.js'

export type SessionsPorts = Pick<Ports, 'sessions' | 'revocations' | 'clock' | 'policy'>

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
  if (reason === 'revoked_by_user') requireRecentLogin(ports, auth)
  const revocation = await ports.sessions.end({ sid, userId: auth.userId }, reason, actor)
  if (revocation === undefined) throw new Refused('not_found')
  await ports.revocations.announce([revocation])
}

/** Ends the person's other sessions, and this one too where `all` is set; says how many. */
export async function revokeSessions(ports: SessionsPorts, auth: Auth, all: boolean, actor: Actor): Promise<number> {
  requireRecentLogin(ports, auth)
  const keepSid = all ? undefined : auth.sessionId
  const revocations = await ports.sessions.endAllOfUser(auth.userId, { keepSid, reason: 'revoked_by_user' }, actor)
  await ports.revocations.announce(revocations)
  return revocations.length
}

/** Whoever has found an open browser, or stolen a token, shall not sign the owner out (ASVS 7.5.2). */
function requireRecentLogin({ policy, clock }: Pick<Ports, 'policy' | 'clock'>, { authTime }: Auth): void {
  const maxAgeSeconds = policy.reauthenticationSeconds
  if (maxAgeSeconds === 0 || clock.now() / 1000 - authTime <= maxAgeSeconds) return
  throw new Refused('insufficient_user_authentication', { maxAgeSeconds })
}
