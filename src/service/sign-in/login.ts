import { readEmail } from '../../core/email.js'
import type { DeviceTokenContent } from '../../core/opaque-token.js'
import { guessLimits } from '../../core/rate-limits.js'
import { Unavailable } from '../../ports/errors.js'
import type { Actor, Ports, RateLimitUse, UserWithPassword } from '../../ports/index.js'
import { verifyPassword } from '../accounts/verify-password.js'
import { countedGuess } from '../limits.js'
import { Refused } from '../refused.js'
import {
  requireAllowedMode,
  type SessionRequest,
  type SignedIn,
  type StartSessionPorts,
  startSession
} from '../sessions/start-session.js'
import { type DevicePorts, issueDeviceToken, knownDevice } from './known-device.js'

export type LoginPorts = StartSessionPorts &
  DevicePorts &
  Pick<Ports, 'users' | 'passwords' | 'events' | 'decisions' | 'rateLimits'>

export interface LoginInput extends SessionRequest {
  readonly email: string
  readonly password: string
  /** The device token that the client sent. */
  readonly deviceToken: string | undefined
  /** The client's IP address, or its network if one client has many addresses (IPv6). */
  readonly network: string
}

/**
 * Verifies a password and starts a session. An unknown e-mail, a wrong password and a disabled user get the same answer,
 * after the same work and under the same limits (ASVS 6.3.8). A device that has signed in before has limits of its own,
 * so the guesses of strangers do not lock it out.
 */
export async function login(ports: LoginPorts, input: LoginInput, actor: Actor): Promise<SignedIn> {
  requireAllowedMode(ports, input.mode)
  await ports.passwords.requireRoom()
  const email = readEmail(input.email)
  const user = email && (await ports.users.findByEmail(email))
  const device = knownDevice(ports, input.deviceToken, user?.id)
  const uses = usesOf(email?.key ?? input.email, device, input.network)

  const fault = await countedGuess(ports, uses, () => faultOf(ports, input.password, user)).catch((error) =>
    noteLimited(ports, user, error)
  )
  if (user === undefined || fault !== undefined) return refuse(ports, user, fault ?? 'unknown_email', actor)

  const credentials = await startSession(ports, { userId: user.id, passwordHash: user.passwordHash }, input, {
    ...actor,
    userId: user.id
  })
  ports.decisions.note('login', 'succeeded', { sid: credentials.sessionId, userId: user.id })
  await upgradeOutdatedHash(ports, user, input.password)
  return { ...credentials, deviceToken: issueDeviceToken(ports, user.id, device) }
}

/** The limits that a guess counts towards: a known device has its own. */
function usesOf(account: string, device: DeviceTokenContent | undefined, network: string): readonly RateLimitUse[] {
  if (device !== undefined) {
    return [
      { limit: guessLimits.device, key: device.deviceId },
      { limit: guessLimits.devices, key: account }
    ]
  }
  return [
    { limit: guessLimits.stranger, key: `${network} ${account}` },
    { limit: guessLimits.strangers, key: account }
  ]
}

function noteLimited(ports: LoginPorts, user: UserWithPassword | undefined, error: unknown): never {
  if (error instanceof Refused) ports.decisions.note('login', 'limited', { userId: user?.id })
  throw error
}

type LoginFault = 'unknown_email' | 'wrong_password' | 'user_disabled'

/** Verifies the password before anything else, so that every answer takes the same work. */
async function faultOf(
  ports: LoginPorts,
  password: string,
  user: UserWithPassword | undefined
): Promise<LoginFault | undefined> {
  const isRight = await verifyPassword(ports, password, user?.passwordHash)
  if (user === undefined) return 'unknown_email'
  if (!isRight) return 'wrong_password'
  return user.disabled ? 'user_disabled' : undefined
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
async function upgradeOutdatedHash(ports: LoginPorts, user: UserWithPassword, password: string): Promise<void> {
  if (!ports.passwords.isOutdated(user.passwordHash)) return
  try {
    await ports.users.upgradePasswordHash(user.id, user.passwordHash, await ports.passwords.hash(password))
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
  }
}
