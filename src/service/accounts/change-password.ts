import type { Auth } from '../../core/access-claims.js'
import { readEmail } from '../../core/email.js'
import { hasPassword } from '../../core/password-policy.js'
import type { Actor, Ports } from '../../ports/index.js'
import { sourceOf } from '../password-source.js'
import type { Credentials, IssuingPorts } from '../sessions/issue-credentials.js'
import { type HeldCookie, replaceSession, requireReplaceable } from '../sessions/replace-session.js'
import { type NewPasswordPorts, requireAddress, requireGoodPassword } from './account-rules.js'
import { type ConfirmPasswordPorts, confirmPasswordIfAny } from './verify-password.js'

/**
 * Sets a new password. The user must send the current one; an account without a password needs a recent login, and an
 * address: nobody can sign in with a password without one, and it could not be reset once it is forgotten. Replaces
 * the current session and ends the user's other sessions, so that no stolen token outlives the change (ASVS 7.4.3,
 * 7.2.4). The owner gets a notice (ASVS 6.3.7).
 */
export async function changePassword(
  ports: NewPasswordPorts & ConfirmPasswordPorts & IssuingPorts & Pick<Ports, 'digest' | 'mail'>,
  auth: Auth,
  input: {
    readonly currentPassword: string | undefined
    readonly newPassword: string
    readonly heldCookie: HeldCookie
  },
  actor: Actor
): Promise<Credentials> {
  const replaceable = await requireReplaceable(ports, auth, input.heldCookie)
  const current = { field: 'current_password', password: input.currentPassword }
  const user = await confirmPasswordIfAny(ports, auth, current, actor)
  const isFirst = !hasPassword(user.passwordHash)
  if (isFirst) requireAddress(user, 'Add one before you set a password: people sign in with both.')
  await requireGoodPassword(ports, input.newPassword, readEmail(user.email ?? ''))

  const newHash = await ports.passwords.hash(input.newPassword, sourceOf(actor, true))
  // Nobody has signed in with a first password yet.
  const amr = isFirst ? [] : ['pwd']
  const credentials = await replaceSession(ports, replaceable, { amr }, actor, (replacement) =>
    ports.users.changePassword({ userId: user.id, oldHash: user.passwordHash, newHash, replacement }, actor)
  )
  ports.mail.wake()
  return credentials
}
