import type { Auth } from '../../core/access-claims.js'
import { attributesInToken } from '../../core/attributes.js'
import { hasPassword } from '../../core/password-policy.js'
import { cutDown } from '../../core/visible-times.js'
import { refreshEventTypes } from '../../ports/events.js'
import type { AuditEvent, Page, PageRequest, Ports, User } from '../../ports/index.js'
import { Refused } from '../refused.js'

/** An account as its owner sees it: with the attributes that are in access tokens, and no others. */
export interface OwnAccount extends User {
  /** Whether changes ask for a password: the account has one, and people sign in with passwords. */
  readonly hasPassword: boolean
}

/** The account of the signed-in user. */
export async function readAccount(ports: Pick<Ports, 'users' | 'policy'>, auth: Auth): Promise<OwnAccount> {
  const found = await ports.users.find(auth.userId)
  if (found === undefined) throw new Refused('session_revoked')
  const { passwordHash, ...user } = found
  const { taken: attributes } = attributesInToken(user.attributes, ports.policy.tokenAttributes)
  return { ...user, attributes, hasPassword: ports.policy.passwordLogin && hasPassword(passwordHash) }
}

/**
 * The events of the signed-in user's account and sessions, newest first. Like the times of sessions, they do not show when
 * a client refreshes: such an event has a time in whole five minutes, and shows only when these are over or its session has
 * ended.
 */
export async function readOwnEvents(
  ports: Pick<Ports, 'events' | 'clock'>,
  auth: Auth,
  page: PageRequest
): Promise<Page<AuditEvent>> {
  const refreshesBefore = cutDown(ports.clock.now())
  const { items, nextCursor } = await ports.events.list({ userId: auth.userId, refreshesBefore }, page)
  const visible = items.map((event) =>
    refreshEventTypes.includes(event.type) ? { ...event, at: cutDown(event.at) } : event
  )
  return { items: visible, nextCursor }
}
