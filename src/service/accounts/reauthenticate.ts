import type { Auth } from '../../core/access-claims.js'
import type { Actor, Ports } from '../../ports/index.js'
import type { Credentials, IssuingPorts } from '../sessions/issue-credentials.js'
import { type HeldCookie, replaceSession, requireReplaceable } from '../sessions/replace-session.js'
import { type ConfirmPasswordPorts, confirmPassword } from './verify-password.js'

/**
 * Makes the login of the current session recent, once the password is confirmed (RFC 9470). Replaces the session, so
 * that a copy of its tokens does not become recent with it (ASVS 7.2.4).
 */
export async function reauthenticate(
  ports: ConfirmPasswordPorts & IssuingPorts & Pick<Ports, 'digest' | 'mail'>,
  auth: Auth,
  input: { readonly password: string; readonly heldCookie: HeldCookie },
  actor: Actor
): Promise<Credentials> {
  const replaceable = await requireReplaceable(ports, auth, input.heldCookie)
  const { id: userId, passwordHash } = await confirmPassword(ports, auth, input.password, actor)
  return replaceSession(ports, replaceable, { amr: ['pwd'] }, actor, (replacement) =>
    ports.sessions.replace(replacement, { userId, passwordHash }, actor)
  )
}
