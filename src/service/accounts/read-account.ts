import type { Auth } from '../../core/access-claims.js'
import { isVisible } from '../../core/visible-times.js'
import type { AuditEvent, EventType, Page, PageRequest, Ports, User } from '../../ports/index.js'
import { Refused } from '../refused.js'

/** The account of the signed-in user. */
export async function readAccount(ports: Pick<Ports, 'users'>, auth: Auth): Promise<User> {
  const user = await ports.users.find(auth.userId)
  if (user === undefined) throw new Refused('session_revoked')
  return user
}

/**
 * The events of the signed-in user's account and sessions, newest first. Those of a refresh show later, as in the list of
 * sessions, so that a thief cannot wait for them: the page has fewer items until then.
 */
export async function readOwnEvents(
  ports: Pick<Ports, 'events' | 'clock'>,
  auth: Auth,
  page: PageRequest
): Promise<Page<AuditEvent>> {
  const { items, nextCursor } = await ports.events.list({ userId: auth.userId }, page)
  const now = ports.clock.now()
  return { items: items.filter(({ type, at }) => !ofRefresh.has(type) || isVisible(at, now)), nextCursor }
}

const ofRefresh: ReadonlySet<EventType> = new Set(['refresh_recovered', 'refresh_restored'])
