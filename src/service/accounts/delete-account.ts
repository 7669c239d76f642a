import type { Auth } from '../../core/access-claims.js'
import type { Actor, Ports } from '../../ports/index.js'
import { Refused } from '../refused.js'
import type { RecentLoginPorts } from '../sessions/recent-login.js'
import { type ConfirmPasswordPorts, confirmPasswordIfAny } from './verify-password.js'

/** Deletes the user's account and all its sessions. Needs the password, or a recent login if the account has none. */
export async function deleteAccount(
  ports: ConfirmPasswordPorts & RecentLoginPorts & Pick<Ports, 'revocations'>,
  auth: Auth,
  password: string | undefined,
  actor: Actor
): Promise<void> {
  const user = await confirmPasswordIfAny(ports, auth, { field: 'password', password }, actor)
  const revocations = await ports.users.delete(user.id, 'revoked_by_user', actor)
  if (revocations === 'last_admin') throw new Refused(revocations)
  await ports.revocations.announce(revocations ?? [])
}
