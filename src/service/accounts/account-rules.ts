import { type Email, readEmail } from '../../core/email.js'
import { isExternalId, maxExternalIdLength } from '../../core/external-id.js'
import { judgePassword, maxPasswordBytes } from '../../core/password-policy.js'
import type { AddressedUser, Ports, UserWithPassword } from '../../ports/index.js'
import { hasAddress } from '../../ports/users.js'
import { Refused } from '../refused.js'

/** Reads the e-mail address of a new account; refuses any other text with `invalid_request`. */
export function requireEmail(text: string, field = 'email'): Email {
  const email = readEmail(text)
  if (email === undefined) {
    throw new Refused('invalid_request', { errors: [{ field, message: 'must be an e-mail address' }] })
  }
  return email
}

/** Refuses a text that cannot be an external id. */
export function requireExternalId(text: string): void {
  if (isExternalId(text)) return
  const message = `must have 1 to ${maxExternalIdLength} characters, without U+0000 and unpaired surrogates`
  throw new Refused('invalid_request', { errors: [{ field: 'external_id', message }] })
}

/** Refuses what an account without an address cannot have. `detail` says why. */
export function requireAddress(user: UserWithPassword, detail: string): AddressedUser {
  if (hasAddress(user)) return user
  throw new Refused('invalid_request', { detail: `The account has no e-mail address. ${detail}` })
}

/** Refuses what would make a password, or a link for one, if nobody signs in with passwords. */
export function requirePasswordLogin({ policy }: Pick<Ports, 'policy'>): void {
  if (policy.passwordLogin) return
  throw new Refused('not_found', { detail: 'Nobody signs in with a password here: PASSWORD_LOGIN is off.' })
}

/** Refuses an invitation if nobody signs in with passwords: its link would ask for one. */
export function requireInvitations({ policy }: Pick<Ports, 'policy'>): void {
  if (policy.passwordLogin) return
  const message = 'is not possible while PASSWORD_LOGIN is off, because the link of an invitation asks for a password'
  throw new Refused('invalid_request', { errors: [{ field: 'invite', message }] })
}

export type NewPasswordPorts = Pick<Ports, 'policy' | 'identity' | 'commonPasswords' | 'breachedPasswords'>

/** Refuses a new password that breaks the policy or is known to have leaked. */
export async function requireGoodPassword(
  ports: NewPasswordPorts,
  password: string,
  email: Email | undefined
): Promise<void> {
  const minLength = ports.policy.passwordMinLength
  const context = contextWords(email?.olderKey ?? '', ports.identity.issuer)
  const fault =
    judgePassword(password, { minLength }, context, ports.commonPasswords) ??
    ((await ports.breachedPasswords(password)) ? 'password_too_common' : undefined)
  if (fault === undefined) return
  throw new Refused(fault, {
    detail: {
      password_too_short: `A password has at least ${minLength} characters.`,
      password_too_long: `A password has at most ${maxPasswordBytes} bytes.`,
      password_too_common:
        'This password is among the first to be guessed: many people use it, it has leaked, or it is made of your address or the name of this service.'
    }[fault]
  })
}

/** Words that an attacker of this account tries first (ASVS 6.2.11). */
function contextWords(emailKey: string, issuer: string): readonly string[] {
  const [localPart = '', domain = ''] = emailKey.split('@')
  const { hostname } = new URL(issuer)
  const hosts = [domain, hostname]
  return ['latchkey', 'password', emailKey, localPart, ...hosts, ...hosts.flatMap((host) => host.split('.'))]
}
