import { adminRole } from '../../core/vocabulary.js'
import { type CreateUserPorts, createUser } from './create-user.js'

/** Creates the first admin, if no enabled user has the role; returns whether it did. There is no default account. */
export async function ensureFirstAdmin(
  ports: CreateUserPorts,
  account: { readonly email: string; readonly password: string }
): Promise<boolean> {
  if (await ports.users.anyWithRole(adminRole)) return false
  try {
    await createUser(ports, { ...account, roles: [adminRole] }, {})
    return true
  } catch (error) {
    // Another instance that starts at the same time may have created it.
    if (await ports.users.anyWithRole(adminRole)) return false
    throw error
  }
}
