import type { Actor, Ports } from '../../ports/index.js'
import { Refused } from '../refused.js'
import { endSession } from '../sessions/end-session.js'
import { readUser } from './read-user.js'

export type RevokeSessionsPorts = Pick<Ports, 'sessions' | 'users' | 'revocations'>

/** Ends one session of any user. */
export async function revokeSession(
  ports: RevokeSessionsPorts,
  sid: string,
  note: string | undefined,
  actor: Actor
): Promise<void> {
  if (!(await endSession(ports, { sid }, 'revoked_by_admin', actor, { note }))) throw new Refused('not_found')
}

/** Ends all sessions of one user; returns how many ended. */
export async function revokeSessionsOfUser(
  ports: RevokeSessionsPorts,
  userId: string,
  note: string | undefined,
  actor: Actor
): Promise<number> {
  await readUser(ports, userId)
  const revocations = await ports.sessions.endAllOfUser(userId, { reason: 'revoked_by_admin', note }, actor)
  await ports.revocations.announce(revocations)
  return revocations.length
}

/** Ends all sessions of all users, the caller's own included; returns how many ended, at most `maxCountedRevoked`. */
export async function revokeAllSessions(ports: RevokeSessionsPorts, actor: Actor): Promise<number> {
  const { count, revocation } = await ports.sessions.endAll(actor)
  await ports.revocations.announce([revocation])
  return count
}
