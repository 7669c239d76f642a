import { type Email, readEmail } from '../core/email.js'
import { judgePassword } from '../core/password-policy.js'
import type { Ports } from '../ports.js'
import { Refused } from './refused.js'

/** Reads an e-mail address that a new account is to have; refuses what is none. */
export function requireEmail(text: string): Email {
  const email = readEmail(text)
  if (email === undefined) {
    throw new Refused('invalid_request', { errors: [{ field: 'email', message: 'must be an e-mail address' }] })
  }
  return email
}

/** Refuses a new password that the policy does not allow. */
export function requireGoodPassword(
  ports: Pick<Ports, 'policy' | 'commonPasswords'>,
  password: string,
  emailKey: string
): void {
  const context = [emailKey, emailKey.slice(0, emailKey.indexOf('@'))]
  const minLength = ports.policy.passwordMinLength
  const fault = judgePassword(password, { minLength }, context, ports.commonPasswords)
  if (fault === undefined) return
  throw new Refused(fault, {
    detail: {
      password_too_short: `A password has at least ${minLength} characters.`,
      password_too_long: 'A password has at most 1024 bytes.',
      password_too_common: 'Many people use this password, so it is among the first to be guessed.'
    }[fault]
  })
}
