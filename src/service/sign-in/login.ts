import { guessLimits } from '../../core/rate-limits.js'
import { Unavailable } from '../../ports/errors.js'
import type { Actor, Ports, UserWithPassword } from '../../ports/index.js'
import { type MailVerificationPorts, mailVerification } from '../mail/verification-mail.js'
import { sourceOf } from '../password-source.js'
import { Refused } from '../refused.js'
import {
  requireAllowedMode,
  type SessionRequest,
  type SignedIn,
  type StartSessionPorts,
  startSession
} from '../sessions/start-session.js'
import { type GuessPorts, guessPassword, type LoginFault } from './guess-password.js'
import { issueDeviceToken } from './known-device.js'

export type LoginPorts = StartSessionPorts & GuessPorts & MailVerificationPorts & Pick<Ports, 'events' | 'entropy'>

export interface LoginInput extends SessionRequest {
  readonly email: string
  readonly password: string
  /** The device token that the client sent. */
  readonly deviceToken: string | undefined
}

/** Verifies a password and starts a session. The right password resets the count of strangers' wrong guesses. */
export async function login(ports: LoginPorts, input: LoginInput, actor: Actor): Promise<SignedIn> {
  requireAllowedMode(ports, input.mode)
  const { account, user, device, fault } = await guessPassword(ports, input, actor)
  if (user === undefined || fault !== undefined) return refuse(ports, user, fault ?? 'unknown_email', actor)
  await ports.rateLimits.forget({ limit: guessLimits.strangersInARow, key: account })

  await requireVerified(ports, user, actor)
  const { id: userId, passwordHash } = user
  const proved = { userId, passwordHash, amr: ['pwd'], isNewDevice: device === undefined }
  const credentials = await startSession(ports, proved, input, { ...actor, userId })
  ports.decisions.note('login', 'succeeded', { sid: credentials.sessionId, userId: user.id })
  await upgradeOutdatedHash(ports, user, input.password, actor)
  return { ...credentials, deviceToken: issueDeviceToken(ports, user.id, device) }
}

/**
 * With `EMAIL_VERIFICATION=required`, refuses an account whose address is not verified, and mails a link. Only a client
 * with the right password gets this answer. Reads the account again, because the person may have confirmed the address
 * while the password was verified.
 */
async function requireVerified(ports: LoginPorts, user: UserWithPassword, actor: Actor): Promise<void> {
  if (ports.policy.emailVerification !== 'required' || user.emailVerifiedAt !== null) return
  const current = await ports.users.find(user.id)
  if (current === undefined || current.emailVerifiedAt !== null) return
  const reason = 'email_not_verified'
  await ports.events.record({ type: 'login_failed', userId: user.id, reason }, actor)
  ports.decisions.note('login', reason, { userId: user.id })
  await mailVerification(ports, current, actor)
  throw new Refused(reason)
}

async function refuse(
  ports: LoginPorts,
  user: UserWithPassword | undefined,
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
  user: UserWithPassword,
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
