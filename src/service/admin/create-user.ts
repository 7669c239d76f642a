import type { Actor, Ports, User } from '../../ports/index.js'
import {
  type NewPasswordPorts,
  requireEmail,
  requireGoodPassword,
  requirePasswordLogin
} from '../accounts/account-rules.js'
import { sourceOf } from '../password-source.js'
import { Refused } from '../refused.js'

export type CreateUserPorts = NewPasswordPorts & Pick<Ports, 'users' | 'passwords' | 'entropy'>

/** Creates an account with roles. It has no session. */
export async function createUser(
  ports: CreateUserPorts,
  input: { readonly email: string; readonly password: string; readonly roles: readonly string[] },
  actor: Actor
): Promise<User> {
  requirePasswordLogin(ports)
  const email = requireEmail(input.email)
  await requireGoodPassword(ports, input.password, email)
  const passwordHash = await ports.passwords.hash(input.password, sourceOf(actor, true))
  const user = await ports.users.create(
    { id: ports.entropy.uuid(), email, passwordHash, roles: input.roles, emailVerified: true },
    actor
  )
  if (user === 'email_taken') throw new Refused('email_taken')
  return user
}
