import type { Auth } from '../../core/access-claims.js'
import type { Actor, Ports } from '../../ports/index.js'
import { Refused } from '../refused.js'
import { type ConfirmPasswordPorts, confirmPassword } from './verify-password.js'

/** Deletes the user's account and all its sessions, once the password is confirmed. */
export async function deleteAccount(
  ports: ConfirmPasswordPorts & Pick<Ports, 'revocations'>,
  auth: Auth,
  password: string,
  actor: Actor
): Promise<void> {
  const user = await confirmPassword(ports, auth, password, actor)
  const revocations = await ports.users.delete(user.id, 'revoked_by_user', actor)
  if (revocations === 'last_admin') throw new Refused(revocations)
  await ports.revocations.announce(revocations ?? [])
}
