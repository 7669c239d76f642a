import type { Auth } from '../../core/access-claims.js'
import { readEmail } from '../../core/email.js'
import type { Actor, Ports } from '../../ports/index.js'
import { sourceOf } from '../password-source.js'
import { Refused } from '../refused.js'
import { type NewPasswordPorts, requireGoodPassword } from './account-rules.js'
import { type ConfirmPasswordPorts, confirmPassword } from './verify-password.js'

/** Sets a new password once the current one is confirmed, and ends the user's other sessions (ASVS 7.4.3). */
export async function changePassword(
  ports: NewPasswordPorts & ConfirmPasswordPorts & Pick<Ports, 'revocations'>,
  auth: Auth,
  input: { readonly currentPassword: string; readonly newPassword: string },
  actor: Actor
): Promise<void> {
  const user = await confirmPassword(ports, auth, input.currentPassword, actor)
  await requireGoodPassword(ports, input.newPassword, readEmail(user.email)?.key ?? user.email)

  const newHash = await ports.passwords.hash(input.newPassword, sourceOf(actor, true))
  const revocations = await ports.users.changePassword(
    { userId: user.id, oldHash: user.passwordHash, newHash, keepSid: auth.sessionId },
    actor
  )
  if (revocations === undefined) throw new Refused('invalid_credentials')
  await ports.revocations.announce(revocations)
}
