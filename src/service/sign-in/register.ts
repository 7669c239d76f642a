import { registrationLimits } from '../../core/rate-limits.js'
import type { Actor, Ports } from '../../ports/index.js'
import { type NewPasswordPorts, requireEmail, requireGoodPassword } from '../accounts/account-rules.js'
import { counted } from '../limits.js'
import { sourceOf } from '../password-source.js'
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
  ports: StartSessionPorts & DevicePorts & NewPasswordPorts & Pick<Ports, 'users' | 'passwords' | 'rateLimits'>,
  input: { readonly email: string; readonly password: string } & SessionRequest,
  actor: Actor
): Promise<SignedIn> {
  if (ports.policy.registration !== 'open') {
    ports.decisions.note('registration', 'closed')
    throw new Refused('registration_closed')
  }
  requireAllowedMode(ports, input.mode)
  const source = sourceOf(actor, false)
  await ports.passwords.requireRoom(source)
  const email = requireEmail(input.email)
  await requireGoodPassword(ports, input.password, email)

  const create = async () => {
    const passwordHash = await ports.passwords.hash(input.password, source)
    const id = ports.entropy.uuid()
    return { passwordHash, user: await ports.users.create({ id, email, passwordHash, roles: [] }, actor) }
  }
  const uses = registrationLimits.map((limit) => ({ limit, key: source.network }))
  const onLimited = () => ports.decisions.note('registration', 'limited')
  const { passwordHash, user } = await counted(ports, uses, create, () => true, onLimited)
  ports.decisions.note('registration', user === 'email_taken' ? user : 'succeeded')
  if (user === 'email_taken') throw new Refused('email_taken')

  const credentials = await startSession(ports, { userId: user.id, passwordHash }, input, { ...actor, userId: user.id })
  return { ...credentials, deviceToken: issueDeviceToken(ports, user.id, undefined) }
}
