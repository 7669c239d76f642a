import type { Auth } from '../../core/access-claims.js'
import type { AuditEvent, Page, PageRequest, Ports, User } from '../../ports/index.js'
import { Refused } from '../refused.js'

/** The account of the signed-in user. */
export async function readAccount(ports: Pick<Ports, 'users'>, auth: Auth): Promise<User> {
  const user = await ports.users.find(auth.userId)
  if (user === undefined) throw new Refused('session_revoked')
  return user
}

/** The events of the signed-in user's account and sessions, newest first. */
export function readOwnEvents(ports: Pick<Ports, 'events'>, auth: Auth, page: PageRequest): Promise<Page<AuditEvent>> {
  return ports.events.list({ userId: auth.userId }, page)
}
