import type { Auth } from '../../core/access-claims.js'
import { readEmail } from '../../core/email.js'
import { hasPassword, maxPasswordBytes, utf8Length } from '../../core/password-policy.js'
import { guessLimits } from '../../core/rate-limits.js'
import type { Actor, PasswordSource, Ports, UserWithPassword } from '../../ports/index.js'
import { counted, type LimitPorts } from '../limits.js'
import { sourceOf } from '../password-source.js'
import { Refused } from '../refused.js'
import { type RecentLoginPorts, requireRecentLogin } from '../sessions/recent-login.js'

export type ConfirmPasswordPorts = LimitPorts & Pick<Ports, 'users' | 'passwords' | 'events' | 'decisions'>

/** Whether `password` made `hash`. Takes as long, and is false, if there is no hash. */
export async function verifyPassword(
  { passwords }: Pick<Ports, 'passwords'>,
  password: string,
  hash: string | undefined,
  source: PasswordSource
): Promise<boolean> {
  return utf8Length(password) <= maxPasswordBytes && (await passwords.verify(password, hash, source))
}

/**
 * Asks a signed-in user for the password again, before a sensitive change (ASVS 7.5.1). Guesses are limited as those of
 * strangers are, so a thief of the session cannot try many passwords. The right password resets both counts. A wrong
 * password is `invalid_credentials`, and is written to the event log.
 */
export async function confirmPassword(
  ports: ConfirmPasswordPorts,
  auth: Auth,
  password: string,
  actor: Actor
): Promise<UserWithPassword> {
  await ports.passwords.requireRoom(sourceOfSession(actor))
  return provePassword(ports, auth, await findSignedIn(ports, auth), password, actor)
}

/**
 * Confirms the password as `confirmPassword` does, if the account has one. An account without a password needs a recent
 * login instead; then a password in the request is ignored, because none could be right. So it is where nobody signs in
 * with passwords.
 */
export async function confirmPasswordIfAny(
  ports: ConfirmPasswordPorts & RecentLoginPorts,
  auth: Auth,
  { field, password }: { readonly field: string; readonly password: string | undefined },
  actor: Actor
): Promise<UserWithPassword> {
  if (password !== undefined) await ports.passwords.requireRoom(sourceOfSession(actor))
  const user = await findSignedIn(ports, auth)
  if (!ports.policy.passwordLogin || !hasPassword(user.passwordHash)) {
    requireRecentLogin(ports, auth)
    return user
  }
  if (password !== undefined) return provePassword(ports, auth, user, password, actor)
  const message = 'is required, because the account has a password'
  throw new Refused('invalid_request', { errors: [{ field, message }] })
}

async function findSignedIn({ users }: Pick<Ports, 'users'>, auth: Auth): Promise<UserWithPassword> {
  const user = await users.find(auth.userId)
  if (user === undefined) throw new Refused('session_revoked')
  return user
}

const accountKeyOf = ({ id, email }: UserWithPassword) => (email === null ? id : (readEmail(email)?.key ?? email))

const isOnlyExternal = ({ externalId, passwordHash }: UserWithPassword) =>
  externalId !== null && !hasPassword(passwordHash)
const onlyExternal =
  'The account has no password. The app that has signed the person in must do so again, through its own login.'

/** A session counts as a known device. */
const sourceOfSession = (actor: Actor) => sourceOf(actor, true)

async function provePassword(
  ports: ConfirmPasswordPorts,
  auth: Auth,
  user: UserWithPassword,
  password: string,
  actor: Actor
): Promise<UserWithPassword> {
  const about = { sid: auth.sessionId, userId: user.id }
  const ofSession = { limit: guessLimits.sessionInARow, key: auth.sessionId }
  const ofAccount = { limit: guessLimits.strangersInARow, key: accountKeyOf(user) }
  const isRight = await counted(
    ports,
    [{ limit: guessLimits.session, key: auth.sessionId }, ofSession],
    () => verifyPassword(ports, password, user.passwordHash, sourceOfSession(actor)),
    (right) => !right,
    () => ports.decisions.note('reauthentication', 'limited', about)
  )
  ports.decisions.note('reauthentication', isRight ? 'succeeded' : 'wrong_password', about)
  if (isRight) {
    await Promise.all([ports.rateLimits.forget(ofSession), ports.rateLimits.forget(ofAccount)])
    return user
  }
  // Refuses nothing here: strangers who have used up their guesses must not keep the owner from confirming the password.
  await ports.rateLimits.use(ofAccount)
  await ports.events.record({ type: 'password_refused', userId: user.id }, actor)
  throw new Refused('invalid_credentials', isOnlyExternal(user) ? { detail: onlyExternal } : {})
}
