import type { Actor, Ports } from '../../ports/index.js'
import { type NewPasswordPorts, requireEmail, requireGoodPassword } from '../accounts/account-rules.js'
import { Refused } from '../refused.js'
import {
  requireAllowedMode,
  type SessionRequest,
  type SignedIn,
  type StartSessionPorts,
  startSession
} from '../sessions/start-session.js'
import { type DevicePorts, issueDeviceToken } from './known-device.js'

/** Creates an account without roles, and its first session. */
export async function register(
  ports: StartSessionPorts & DevicePorts & NewPasswordPorts & Pick<Ports, 'users' | 'passwords'>,
  input: { readonly email: string; readonly password: string } & SessionRequest,
  actor: Actor
): Promise<SignedIn> {
  if (ports.policy.registration === 'closed') {
    ports.decisions.note('registration', 'closed')
    throw new Refused('registration_closed')
  }
  requireAllowedMode(ports, input.mode)
  await ports.passwords.requireRoom()
  const email = requireEmail(input.email)
  await requireGoodPassword(ports, input.password, email)

  const passwordHash = await ports.passwords.hash(input.password)
  const user = await ports.users.create({ id: ports.entropy.uuid(), email, passwordHash, roles: [] }, actor)
  ports.decisions.note('registration', user === 'email_taken' ? user : 'succeeded')
  if (user === 'email_taken') throw new Refused('email_taken')

  const credentials = await startSession(ports, { userId: user.id, passwordHash }, input, { ...actor, userId: user.id })
  return { ...credentials, deviceToken: issueDeviceToken(ports, user.id, undefined) }
}
