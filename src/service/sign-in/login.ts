import type { Email } from '../../core/email.js'
import { guessLimits } from '../../core/rate-limits.js'
import { Unavailable } from '../../ports/errors.js'
import type { Actor, AddressedUser, Ports } from '../../ports/index.js'
import { requireEmail } from '../accounts/account-rules.js'
import {
  type MailVerificationPorts,
  mailAccountExists,
  mailboxOf,
  mailVerification
} from '../mail/verification-mail.js'
import { sourceOf } from '../password-source.js'
import { Refused } from '../refused.js'
import {
  requireAllowedMode,
  type SessionRequest,
  type SignedIn,
  type StartSessionPorts,
  startSession
} from '../sessions/start-session.js'
import {
  type GuessPorts,
  guessPassword,
  isFault,
  isToBeVerified,
  type LoginFault,
  type Verdict
} from './guess-password.js'
import { issueDeviceToken } from './known-device.js'

export type LoginPorts = StartSessionPorts & GuessPorts & MailVerificationPorts & Pick<Ports, 'events' | 'entropy'>

export interface LoginInput extends SessionRequest {
  readonly email: string
  readonly password: string
  /** The device token that the client sent. */
  readonly deviceToken: string | undefined
}

/** Verifies a password and starts a session. This resets the count of strangers' wrong guesses. */
export async function login(ports: LoginPorts, input: LoginInput, actor: Actor): Promise<SignedIn> {
  requireAllowedMode(ports, input.mode)
  const { account, user, device, verdict } = await guessPassword(ports, input, actor)
  if (isFault(verdict)) return refuse(ports, user, verdict, actor)
  if ((await isUnverified(ports, user, verdict)) || user === undefined) {
    return refuseUnverified(ports, requireEmail(input.email), user, verdict, actor)
  }
  await ports.rateLimits.forget({ limit: guessLimits.strangersInARow, key: account })

  const { id: userId, passwordHash } = user
  const proved = { user, passwordHash, amr: ['pwd'], isNewDevice: device === undefined }
  const credentials = await startSession(ports, proved, input, { ...actor, userId })
  ports.decisions.note('login', 'succeeded', { sid: credentials.sessionId, userId })
  await upgradeOutdatedHash(ports, user, input.password, actor)
  return { ...credentials, deviceToken: issueDeviceToken(ports, user.id, device) }
}

/**
 * Whether `EMAIL_VERIFICATION=required` refuses the login although the password is right, or is that of a registration.
 * Reads the account again, because the person may have confirmed the address while the password was verified.
 */
async function isUnverified(ports: LoginPorts, user: AddressedUser | undefined, verdict: Verdict): Promise<boolean> {
  if (!isToBeVerified(ports, user, verdict)) return false
  const current = await ports.users.find(user?.id ?? ports.entropy.uuid())
  return verdict === 'registered' || current?.emailVerifiedAt === null
}

/**
 * Mails a link to the owner of an unverified account. An address that was registered although it has another account, or is
 * kept for one, gets the same answer by the same work, and the owner gets a mail that says so. Only a client with the right
 * password, or with that of a registration, gets this answer.
 *
 * It does not reset the count of wrong guesses: otherwise a stranger who registers an address with an account could make
 * any number of guesses at its password.
 */
async function refuseUnverified(
  ports: LoginPorts,
  email: Email,
  user: AddressedUser | undefined,
  verdict: Verdict,
  actor: Actor
): Promise<never> {
  const isWaiting = user?.awaitsConfirmation === true
  const isOwn = user !== undefined && (verdict === 'right' || isWaiting)
  const reason = isOwn ? 'email_not_verified' : 'wrong_password'
  await ports.events.record({ type: 'login_failed', userId: user?.id, reason }, actor)
  ports.decisions.note('login', reason, { userId: user?.id })
  if (verdict === 'registered' || isWaiting) await ports.users.extendRegistration(email)
  await (isOwn
    ? mailVerification(ports, user, mailboxOf(user, email), actor)
    : mailAccountExists(ports, user, email.address, actor))
  throw new Refused('email_not_verified')
}

async function refuse(
  ports: LoginPorts,
  user: AddressedUser | undefined,
  reason: LoginFault,
  actor: Actor
): Promise<never> {
  await ports.events.record({ type: 'login_failed', userId: user?.id, reason }, actor)
  ports.decisions.note('login', reason, { userId: user?.id })
  throw new Refused('invalid_credentials')
}

/** Hashes the password with today's settings: only a login knows it. If the queue is full, a later login does this. */
async function upgradeOutdatedHash(
  ports: LoginPorts,
  user: AddressedUser,
  password: string,
  actor: Actor
): Promise<void> {
  if (!ports.passwords.isOutdated(user.passwordHash)) return
  try {
    const newHash = await ports.passwords.hash(password, sourceOf(actor, true))
    await ports.users.upgradePasswordHash(user.id, user.passwordHash, newHash)
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
  }
}
