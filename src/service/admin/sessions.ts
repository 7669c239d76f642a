import { maxCountedSessions } from '../../core/vocabulary.js'
import type { Actor, AuditEvent, EventLog } from '../../ports/events.js'
import type { Ports } from '../../ports/index.js'
import type { MinuteCounts } from '../../ports/metrics.js'
import type { Page, PageRequest } from '../../ports/paging.js'
import type { Session } from '../../ports/sessions.js'
import { Refused } from '../refused.js'
import { readUser } from './users.js'

export type AdminSessionsPorts = Pick<Ports, 'sessions' | 'users' | 'revocations'>

/** Everybody's live sessions, newest first. */
export function findSessions(
  ports: AdminSessionsPorts,
  filter: { readonly userId: string | undefined; readonly ip: string | undefined },
  page: PageRequest
): Promise<Page<Session>> {
  return ports.sessions.list(filter, page)
}

export async function sessionsOfUser(ports: AdminSessionsPorts, userId: string): Promise<readonly Session[]> {
  await readUser(ports, userId)
  return ports.sessions.listOfUser(userId)
}

export async function endSession(
  ports: AdminSessionsPorts,
  sid: string,
  note: string | undefined,
  actor: Actor
): Promise<void> {
  const revocation = await ports.sessions.end({ sid }, 'revoked_by_admin', actor, note)
  if (revocation === undefined) throw new Refused('not_found')
  await ports.revocations.announce([revocation])
}

/** Ends all sessions of one user; says how many. */
export async function endSessionsOfUser(
  ports: AdminSessionsPorts,
  userId: string,
  note: string | undefined,
  actor: Actor
): Promise<number> {
  await readUser(ports, userId)
  const revocations = await ports.sessions.endAllOfUser(userId, { reason: 'revoked_by_admin', note }, actor)
  await ports.revocations.announce(revocations)
  return revocations.length
}

/** Ends everybody's sessions, the caller's too; says how many. */
export async function endEverybodysSessions(ports: AdminSessionsPorts, actor: Actor): Promise<number> {
  const { count, revocation } = await ports.sessions.endEverybodys(actor)
  await ports.revocations.announce([revocation])
  return count
}

/** How much is going on: live sessions of all instances, and what this one did in the last hour. */
export async function readCounts(
  ports: Pick<Ports, 'sessions' | 'metrics'>
): Promise<{ readonly sessions: number; readonly minutes: readonly MinuteCounts[] }> {
  return { sessions: await ports.sessions.count(maxCountedSessions), minutes: ports.metrics.lastHour() }
}

/** The audit log, newest first. */
export function findEvents(
  ports: Pick<Ports, 'events'>,
  filter: Parameters<EventLog['list']>[0],
  page: PageRequest
): Promise<Page<AuditEvent>> {
  return ports.events.list(filter, page)
}
