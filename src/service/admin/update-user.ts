import type { Actor, Ports, User } from '../../ports/index.js'
import { Refused } from '../refused.js'

/**
 * Changes a user's roles and the disabled flag. Access tokens that were issued before are refused from now on. A person
 * whose account is disabled gets a notice.
 */
export async function updateUser(
  ports: Pick<Ports, 'users' | 'revocations' | 'mail'>,
  id: string,
  change: { readonly disabled?: boolean | undefined; readonly roles?: readonly string[] | undefined },
  actor: Actor
): Promise<User> {
  const updated = await ports.users.update(id, change, actor)
  if (updated === undefined) throw new Refused('not_found')
  if (updated === 'last_admin') throw new Refused(updated)
  if (change.disabled) ports.mail.wake()
  await ports.revocations.announce(updated.revocations)
  return updated.user
}
