import { adminRole } from '../../core/vocabulary.js'
import { requireEmail } from '../accounts/account-rules.js'
import { Refused } from '../refused.js'
import { type CreateUserPorts, createUser } from './create-user.js'

/**
 * Creates the first admin, if no enabled user has the role; there is no default account. An account that has this e-mail
 * address already is not changed ('email_taken'): a stranger may have registered it. One that waits for its confirmation
 * is replaced. Checks the password only if it creates an admin.
 */
export async function ensureFirstAdmin(
  ports: CreateUserPorts,
  account: { readonly email: string; readonly password: string }
): Promise<'created' | 'has_admin' | 'email_taken'> {
  const hasAdmin = () => ports.users.anyWithRole(adminRole)
  if (await hasAdmin()) return 'has_admin'
  try {
    const known = await ports.users.findByEmail(requireEmail(account.email))
    if (known === undefined || known.awaitsConfirmation) {
      await createUser(ports, { ...account, roles: [adminRole] }, {})
      return 'created'
    }
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== 'email_taken') throw error
  }
  // Another instance that starts at the same time may have created the admin.
  return (await hasAdmin()) ? 'has_admin' : 'email_taken'
}
