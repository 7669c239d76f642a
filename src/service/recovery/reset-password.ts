import { readEmail } from '../../core/email.js'
import { guessLimits } from '../../core/rate-limits.js'
import type { Actor, LiveLink, Ports } from '../../ports/index.js'
import { type NewPasswordPorts, requireGoodPassword } from '../accounts/account-rules.js'
import { notice, originOf } from '../mail/new-mail.js'
import { openLink, refuseLink } from '../mail/one-time-links.js'
import { sourceOf } from '../password-source.js'
import { Refused } from '../refused.js'

export type ResetPasswordPorts = NewPasswordPorts &
  Pick<
    Ports,
    | 'opaqueTokens'
    | 'digest'
    | 'links'
    | 'users'
    | 'passwords'
    | 'revocations'
    | 'rateLimits'
    | 'decisions'
    | 'mail'
    | 'entropy'
    | 'clock'
  >

/**
 * Sets a new password by a one-time link, and ends every session of the user. It starts no session and touches no second
 * factor, so the next login asks for all that it asked for before. A password that is refused does not use the link up.
 * The owner gets a notice, except for the first password by an invitation.
 */
export async function resetPassword(
  ports: ResetPasswordPorts,
  input: { readonly token: string; readonly newPassword: string },
  actor: Actor
): Promise<void> {
  const source = sourceOf(actor, false)
  await ports.passwords.requireRoom(source)
  const { link, revocations } = await reset(ports, input, actor).catch((error) => {
    if (error instanceof Refused && error.code === 'invalid_or_expired_token') {
      ports.decisions.note('password_reset', 'refused')
    }
    throw error
  })
  await ports.revocations.announce(revocations)
  // The owner is back: the guesses of strangers were at the old password (NIST SP 800-63B-4 §3.2.2).
  const account = readEmail(addressOf(link))?.key ?? addressOf(link)
  await ports.rateLimits.forget({ limit: guessLimits.strangersInARow, key: account })
  ports.mail.wake()
  ports.decisions.note('password_reset', 'succeeded', { userId: link.userId })
}

/** The account's address, which it has: no link for a password is made for an account without one. */
const addressOf = ({ user, address }: LiveLink) => user.email ?? address

async function reset(
  ports: ResetPasswordPorts,
  { token, newPassword }: { readonly token: string; readonly newPassword: string },
  actor: Actor
) {
  const link = await openLink(ports, token, ['password_reset', 'invitation'])
  await requireGoodPassword(ports, newPassword, readEmail(addressOf(link)))
  const newHash = await ports.passwords.hash(newPassword, sourceOf(actor, false))
  const { user } = link
  // The link confirms the spelling of the address to which it was mailed.
  const email = user.awaitsConfirmation && link.mailed ? link.address : addressOf(link)
  const wasReset = { kind: 'password_was_reset', parameters: originOf(ports, actor) } as const
  const mails = link.purpose === 'invitation' ? [] : notice(ports, { ...user, email }, wasReset)
  const owner = { ...actor, userId: link.userId }
  const revocations = (await ports.users.resetPassword({ link, newHash, mails }, owner)) ?? refuseLink()
  return { link, revocations }
}
