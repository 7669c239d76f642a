import { guesses } from '../../core/allowance.js'
import { readEmail } from '../../core/email.js'
import { maxPasswordBytes, utf8Length } from '../../core/password-policy.js'
import type { Actor, AuditEvent } from '../../ports/events.js'
import type { Ports } from '../../ports/index.js'
import type { Page, PageRequest } from '../../ports/paging.js'
import type { User, UserWithPassword } from '../../ports/users.js'
import { countedGuess, type LimitPorts } from '../limits.js'
import { Refused } from '../refused.js'
import type { Auth } from '../sessions/authenticate.js'
import { type NewPasswordPorts, requireGoodPassword } from './account-details.js'

export type AccountPorts = NewPasswordPorts & LimitPorts & Pick<Ports, 'users' | 'passwords' | 'events' | 'revocations'>

/** The account behind a request. */
export async function readAccount(ports: Pick<Ports, 'users'>, auth: Auth): Promise<User> {
  const user = await ports.users.find(auth.userId)
  if (user === undefined) throw new Refused('session_revoked')
  return user
}

/** What happened to the account and its sessions, newest first. */
export function readOwnEvents(ports: Pick<Ports, 'events'>, auth: Auth, page: PageRequest): Promise<Page<AuditEvent>> {
  return ports.events.list({ userId: auth.userId }, page)
}

/** Sets a new password after the current one is proved; every other session of the user ends (ASVS 7.4.3). */
export async function changePassword(
  ports: AccountPorts,
  auth: Auth,
  input: { readonly currentPassword: string; readonly newPassword: string },
  actor: Actor
): Promise<void> {
  const user = await proveAgain(ports, auth, input.currentPassword, actor)
  await requireGoodPassword(ports, input.newPassword, readEmail(user.email)?.key ?? user.email)

  const newHash = await ports.passwords.hash(input.newPassword)
  const revocations = await ports.users.changePassword(
    { userId: user.id, oldHash: user.passwordHash, newHash, keepSid: auth.sessionId },
    actor
  )
  if (revocations === undefined) throw new Refused('invalid_credentials')
  await ports.revocations.announce(revocations)
}

/** Deletes the account and all its sessions after the password is proved. */
export async function deleteAccount(ports: AccountPorts, auth: Auth, password: string, actor: Actor): Promise<void> {
  const user = await proveAgain(ports, auth, password, actor)
  const revocations = await ports.users.delete(user.id, 'revoked_by_user', actor)
  await ports.revocations.announce(revocations ?? [])
}

/** Re-authentication before a sensitive change (ASVS 7.5.1). Whoever stole the session cannot try passwords on it for long. */
async function proveAgain(ports: AccountPorts, auth: Auth, password: string, actor: Actor): Promise<UserWithPassword> {
  await ports.passwords.requireRoom()
  const user = await ports.users.find(auth.userId)
  if (user === undefined) throw new Refused('session_revoked')
  const fault = await countedGuess(ports, [{ allowance: guesses.session, key: auth.sessionId }], async () => {
    const proved =
      utf8Length(password) <= maxPasswordBytes && (await ports.passwords.verify(password, user.passwordHash))
    return proved ? undefined : 'wrong_password'
  })
  if (fault === undefined) return user
  await ports.events.record({ type: 'password_refused', userId: user.id }, actor)
  throw new Refused('invalid_credentials')
}
