import { readEmail } from '../../core/email.js'
import type { DeviceTokenContent } from '../../core/opaque-token.js'
import { guessLimits, loginLimit } from '../../core/rate-limits.js'
import type { Actor, PasswordSource, Ports, RateLimitUse, UserWithPassword } from '../../ports/index.js'
import { verifyPassword } from '../accounts/verify-password.js'
import { counted } from '../limits.js'
import { sourceOf } from '../password-source.js'
import { type DevicePorts, openDeviceToken } from './known-device.js'

export type GuessPorts = DevicePorts & Pick<Ports, 'users' | 'passwords' | 'decisions' | 'rateLimits'>

export type LoginFault = 'unknown_email' | 'wrong_password' | 'user_disabled'

interface Guess {
  /** The account's key for limits, the same for every spelling of its address. */
  readonly account: string
  readonly user: UserWithPassword | undefined
  /** The client's device, if it has signed in to this user's account before. */
  readonly device: DeviceTokenContent | undefined
  /** What is wrong; undefined if the password is right. */
  readonly fault: LoginFault | undefined
}

/**
 * Verifies the password of a login within its limits. An unknown e-mail, a wrong password and a disabled user cost the
 * same work and count towards the same limits (ASVS 6.3.8). A device that has signed in before has limits and places in
 * the queue of its own, so strangers cannot lock it out.
 */
export async function guessPassword(
  ports: GuessPorts,
  input: { readonly email: string; readonly password: string; readonly deviceToken: string | undefined },
  actor: Actor
): Promise<Guess> {
  const token = openDeviceToken(ports, input.deviceToken)
  const { network } = sourceOf(actor, false)
  await ports.passwords.requireRoom({ network, knownDevice: token !== undefined })

  const email = readEmail(input.email)
  const find = async () => email && (await ports.users.findByEmail(email))
  // The stored address counts: an account of an older release is found by two keys, if its domain has ß.
  const accountOf = (user: UserWithPassword | undefined) => readEmail(user?.email ?? input.email)?.key ?? input.email
  const guess = async (user: UserWithPassword | undefined, uses: readonly RateLimitUse[], knownDevice: boolean) => {
    const verify = () => faultOf(ports, input.password, user, { network, knownDevice })
    const onLimited = () => ports.decisions.note('login', 'limited', { userId: user?.id })
    const logins = [{ limit: loginLimit, key: `${network} ${accountOf(user)}` }]
    // Checked last: otherwise a stranger's guesses would use up the owner's logins while they wait for other limits.
    const verifyAsLogin = () => counted(ports, logins, verify, (fault) => fault === undefined, onLimited)
    return counted(ports, uses, verifyAsLogin, (fault) => fault !== undefined, onLimited)
  }

  const user = token && (await find())
  if (token !== undefined && token.userId === user?.id) {
    const account = accountOf(user)
    const uses = [
      { limit: guessLimits.device, key: token.deviceId },
      { limit: guessLimits.devices, key: account }
    ]
    return { account, user, device: token, fault: await guess(user, uses, true) }
  }
  const guessAsStranger = async (): Promise<Guess> => {
    const found = token === undefined ? await find() : user
    const account = accountOf(found)
    const uses = [
      { limit: guessLimits.stranger, key: `${network} ${account}` },
      { limit: guessLimits.strangers, key: account },
      { limit: guessLimits.strangersInARow, key: account }
    ]
    return { account, user: found, device: undefined, fault: await guess(found, uses, false) }
  }
  // Checked first, so that a network above this limit costs no query.
  return counted(
    ports,
    [{ limit: guessLimits.network, key: network }],
    guessAsStranger,
    ({ fault }) => fault !== undefined,
    () => ports.decisions.note('login', 'limited')
  )
}

/** Verifies the password before anything else, so that every answer takes the same work. */
async function faultOf(
  ports: GuessPorts,
  password: string,
  user: UserWithPassword | undefined,
  source: PasswordSource
): Promise<LoginFault | undefined> {
  const isRight = await verifyPassword(ports, password, user?.passwordHash, source)
  if (user === undefined) return 'unknown_email'
  if (!isRight) return 'wrong_password'
  return user.disabled ? 'user_disabled' : undefined
}
