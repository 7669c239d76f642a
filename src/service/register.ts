import type { Actor, Ports } from '../ports.js'
import { requireEmail, requireGoodPassword } from './account-details.js'
import type { Credentials } from './issue-credentials.js'
import { Refused } from './refused.js'
import { requireAllowedMode, type SessionWish, type StartSessionPorts, startSession } from './start-session.js'

export type RegisterPorts = StartSessionPorts & Pick<Ports, 'users' | 'passwords' | 'commonPasswords' | 'decisions'>

/** Makes an account and its first session. Nobody registers with a role. */
export async function register(
  ports: RegisterPorts,
  input: { readonly email: string; readonly password: string } & SessionWish,
  actor: Actor
): Promise<Credentials> {
  requireAllowedMode(ports, input.mode)
  const email = requireEmail(input.email)
  requireGoodPassword(ports, input.password, email.key)

  const passwordHash = await ports.passwords.hash(input.password)
  const user = await ports.users.create({ id: ports.entropy.uuid(), email, passwordHash, roles: [] }, actor)
  ports.decisions.note('registration', user === 'email_taken' ? user : 'succeeded')
  if (user === 'email_taken') throw new Refused('email_taken')

  return startSession(ports, { userId: user.id, passwordHash }, input, { ...actor, userId: user.id })
}
