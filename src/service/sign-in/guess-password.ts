import { type Email, readEmail } from '../../core/email.js'
import type { DeviceTokenContent } from '../../core/opaque-token.js'
import { guessLimits, loginLimit, unverifiedLoginLimit } from '../../core/rate-limits.js'
import type { Actor, AddressedUser, PasswordSource, Ports, RateLimitUse } from '../../ports/index.js'
import { verifyPassword } from '../accounts/verify-password.js'
import { counted } from '../limits.js'
import { sourceOf } from '../password-source.js'
import { type DevicePorts, openDeviceToken } from './known-device.js'

export type GuessPorts = DevicePorts & Pick<Ports, 'users' | 'passwords' | 'decisions' | 'rateLimits' | 'policy'>

export type LoginFault = 'unknown_email' | 'wrong_password' | 'user_disabled'

/**
 * `registered`: with `EMAIL_VERIFICATION=required`, the password is not that of the account, but the address was registered
 * with it, and nobody has confirmed that.
 */
export type Verdict = 'right' | 'registered' | LoginFault

interface Guess {
  /** The account's key for limits, the same for every spelling of its address. */
  readonly account: string
  readonly user: AddressedUser | undefined
  /** The client's device, if it has signed in to this user's account before. */
  readonly device: DeviceTokenContent | undefined
  readonly verdict: Verdict
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
  const accountOf = (user: AddressedUser | undefined) => readEmail(user?.email ?? input.email)?.key ?? input.email
  const guess = async (
    user: AddressedUser | undefined,
    uses: readonly RateLimitUse[],
    device: DeviceTokenContent | undefined
  ) => {
    const verify = () => judge(ports, email, input.password, user, { network, knownDevice: device !== undefined })
    const onLimited = () => ports.decisions.note('login', 'limited', { userId: user?.id })
    const isUnverified = (verdict: Verdict) => isToBeVerified(ports, user, verdict)
    const isAccepted = (verdict: Verdict) => !isFault(verdict) && !isUnverified(verdict)
    const key = `${network} ${accountOf(user)}`
    const logins = [{ limit: loginLimit, key }]
    const unverified = isRequired(ports) ? [{ limit: unverifiedLoginLimit, key: device?.deviceId ?? key }] : []
    // Checked last: otherwise a stranger's guesses would use up the owner's logins while they wait for other limits.
    const verifyAsLogin = () => counted(ports, logins, verify, isAccepted, onLimited)
    const verifyWithin = () => counted(ports, unverified, verifyAsLogin, isUnverified, onLimited)
    return counted(ports, uses, verifyWithin, isFault, onLimited)
  }

  const user = token && (await find())
  if (token !== undefined && token.userId === user?.id) {
    const account = accountOf(user)
    const uses = [
      { limit: guessLimits.device, key: token.deviceId },
      { limit: guessLimits.devices, key: account }
    ]
    return { account, user, device: token, verdict: await guess(user, uses, token) }
  }
  const guessAsStranger = async (): Promise<Guess> => {
    const found = token === undefined ? await find() : user
    const account = accountOf(found)
    const uses = [
      { limit: guessLimits.stranger, key: `${network} ${account}` },
      { limit: guessLimits.strangers, key: account },
      { limit: guessLimits.strangersInARow, key: account }
    ]
    return { account, user: found, device: undefined, verdict: await guess(found, uses, undefined) }
  }
  // Checked first, so that a network above this limit costs no query.
  return counted(
    ports,
    [{ limit: guessLimits.network, key: network }],
    guessAsStranger,
    ({ user, verdict }) => isFault(verdict) || isToBeVerified(ports, user, verdict),
    () => ports.decisions.note('login', 'limited')
  )
}

export const isFault = (verdict: Verdict): verdict is LoginFault => verdict !== 'right' && verdict !== 'registered'

const isRequired = ({ policy }: Pick<Ports, 'policy'>) => policy.emailVerification === 'required'

/**
 * Whether `EMAIL_VERIFICATION=required` refuses the login, because `user` has not confirmed the address, or the password is
 * only that of a registration.
 */
export const isToBeVerified = (
  ports: Pick<Ports, 'policy'>,
  user: Pick<AddressedUser, 'emailVerifiedAt'> | undefined,
  verdict: Verdict
) => verdict === 'registered' || (isRequired(ports) && verdict === 'right' && user?.emailVerifiedAt === null)

/**
 * Verifies the password before anything else, so that every refusal takes the same work. With
 * `EMAIL_VERIFICATION=required` a refusal takes two comparisons: with the password of the account, and with that of a
 * registration. So nobody can tell whether an address has an account or waits for its confirmation. A login that succeeds
 * takes one.
 */
async function judge(
  ports: GuessPorts,
  email: Email | undefined,
  password: string,
  user: AddressedUser | undefined,
  source: PasswordSource
): Promise<Verdict> {
  const isRight = await verifyPassword(ports, password, user?.passwordHash, source)
  const isEnabled = user !== undefined && !user.disabled
  if (isRight && isEnabled && !isToBeVerified(ports, user, 'right')) return 'right'

  const isRegistered = isRequired(ports) && (await matchesRegistration(ports, email, password, source))
  if (isRight && isEnabled) return 'right'
  if (isRegistered) return 'registered'
  if (user === undefined) return 'unknown_email'
  return isRight ? 'user_disabled' : 'wrong_password'
}

async function matchesRegistration(
  ports: GuessPorts,
  email: Email | undefined,
  password: string,
  source: PasswordSource
): Promise<boolean> {
  const registered = email && (await ports.users.findRegistration(email))
  return verifyPassword(ports, password, registered, source)
}
