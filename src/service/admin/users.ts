import { readEmail } from '../../core/email.js'
import { adminRole } from '../../core/vocabulary.js'
import type { Actor } from '../../ports/events.js'
import type { Ports } from '../../ports/index.js'
import type { Page, PageRequest } from '../../ports/paging.js'
import type { User } from '../../ports/users.js'
import { type NewPasswordPorts, requireEmail, requireGoodPassword } from '../accounts/account-details.js'
import { Refused } from '../refused.js'

export type AdminUsersPorts = NewPasswordPorts & Pick<Ports, 'users' | 'revocations' | 'passwords' | 'entropy'>

/** Users, newest first, whose e-mail begins with `email` where it is given. */
export function listUsers(
  ports: Pick<Ports, 'users'>,
  filter: { readonly email: string | undefined },
  page: PageRequest
): Promise<Page<User>> {
  const emailPrefix =
    filter.email === undefined ? undefined : (readEmail(filter.email)?.key ?? filter.email.toLowerCase())
  return ports.users.list({ emailPrefix }, page)
}

export async function readUser(ports: Pick<Ports, 'users'>, id: string): Promise<User> {
  const user = await ports.users.find(id)
  if (user === undefined) throw new Refused('not_found')
  return user
}

/** Makes an account with roles, for ops; it has no session. */
export async function createUser(
  ports: AdminUsersPorts,
  input: { readonly email: string; readonly password: string; readonly roles: readonly string[] },
  actor: Actor
): Promise<User> {
  const email = requireEmail(input.email)
  await requireGoodPassword(ports, input.password, email.key)
  const passwordHash = await ports.passwords.hash(input.password)
  const user = await ports.users.create({ id: ports.entropy.uuid(), email, passwordHash, roles: input.roles }, actor)
  if (user === 'email_taken') throw new Refused('email_taken')
  return user
}

/** Changes roles and the disabled flag; both take hold of tokens that are out already. */
export async function updateUser(
  ports: Pick<Ports, 'users' | 'revocations'>,
  id: string,
  change: { readonly disabled?: boolean | undefined; readonly roles?: readonly string[] | undefined },
  actor: Actor
): Promise<User> {
  const updated = await ports.users.update(id, change, actor)
  if (updated === undefined) throw new Refused('not_found')
  await ports.revocations.announce(updated.revocations)
  return updated.user
}

export async function deleteUser(ports: Pick<Ports, 'users' | 'revocations'>, id: string, actor: Actor): Promise<void> {
  const revocations = await ports.users.delete(id, 'revoked_by_admin', actor)
  if (revocations === undefined) throw new Refused('not_found')
  await ports.revocations.announce(revocations)
}

/** Makes the first admin, where no admin exists; says whether it did. There is no default account. */
export async function ensureFirstAdmin(
  ports: AdminUsersPorts,
  account: { readonly email: string; readonly password: string }
): Promise<boolean> {
  if (await ports.users.anyWithRole(adminRole)) return false
  try {
    await createUser(ports, { ...account, roles: [adminRole] }, {})
    return true
  } catch (error) {
    // Another instance that starts at the same time may have made it.
    if (await ports.users.anyWithRole(adminRole)) return false
    throw error
  }
}
