import type { Auth } from '../../core/access-claims.js'
import { verificationLimit } from '../../core/rate-limits.js'
import type { Actor, Ports } from '../../ports/index.js'
import { requireAddress } from '../accounts/account-rules.js'
import { requireMail } from '../mail/new-mail.js'
import { openLink, refuseLink } from '../mail/one-time-links.js'
import { type MailVerificationPorts, mailVerification } from '../mail/verification-mail.js'
import { Refused } from '../refused.js'
import {
  planSession,
  requireAllowedMode,
  type SessionRequest,
  type SignedIn,
  type StartSessionPorts,
  startSession
} from '../sessions/start-session.js'
import { type DevicePorts, issueDeviceToken } from '../sign-in/known-device.js'

/** Mails the signed-in user another link, at most one a minute. Does nothing if the address is verified. */
export async function requestVerification(
  ports: MailVerificationPorts & Pick<Ports, 'users'>,
  auth: Auth,
  actor: Actor
): Promise<void> {
  requireMail(ports)
  const found = await ports.users.find(auth.userId)
  if (found === undefined) throw new Refused('session_revoked')
  const user = requireAddress(found, 'Add one: that also confirms it.')
  if (user.emailVerifiedAt !== null) return
  const { granted } = await ports.rateLimits.use({ limit: verificationLimit, key: user.id })
  if (!granted) return ports.decisions.note('email_verification', 'limited', { userId: user.id })
  await mailVerification(ports, user, user.email, actor)
}

/**
 * Verifies the address of an account by a mailed link. If the account waited for this, its first session starts here:
 * the person proves to read the mail. It may have no password then, if different ones were registered. Otherwise returns
 * undefined, and no session starts. For a disabled account the link is dead. While `PASSWORD_LOGIN` is off, refuses an
 * account that waits with `registration_closed`, because nobody could sign in to it later. The link stays good.
 */
export async function confirmVerification(
  ports: StartSessionPorts & DevicePorts & Pick<Ports, 'links' | 'users'>,
  input: { readonly token: string } & SessionRequest,
  actor: Actor
): Promise<SignedIn | undefined> {
  requireAllowedMode(ports, input.mode)
  const link = await openLink(ports, input.token, ['email_verification']).catch((error) => {
    ports.decisions.note('email_verification', 'refused')
    throw error
  })
  const { user } = link
  if (user.awaitsConfirmation && !ports.policy.passwordLogin) {
    ports.decisions.note('email_verification', 'refused', { userId: user.id })
    throw new Refused('registration_closed', { detail: 'Nobody registers here any more: PASSWORD_LOGIN is off.' })
  }
  const owner = { ...actor, userId: user.id }
  // The account gets the spelling of the address to which the link was mailed. What fails here does not use up the link.
  const confirmed = { ...user, email: link.address }
  const planned = user.awaitsConfirmation
    ? await planSession(ports, confirmed, { amr: mailAmr }, input, owner)
    : undefined
  const verified = await ports.users.verifyEmail(link, owner)
  if (verified === undefined) {
    ports.decisions.note('email_verification', 'refused', { userId: user.id })
    return refuseLink()
  }
  ports.decisions.note('email_verification', 'succeeded', { userId: user.id })
  if (!verified.awaited) return undefined

  const account = { user: confirmed, passwordHash: verified.passwordHash, amr: mailAmr, planned }
  const credentials = await startSession(ports, account, input, owner)
  return { ...credentials, deviceToken: issueDeviceToken(ports, user.id, undefined) }
}

/** The person has only proved to read the mail of the account. RFC 8176 has no name for that. */
const mailAmr = ['email']
