import type { Auth } from '../../core/access-claims.js'
import { readEmail } from '../../core/email.js'
import { maxPasswordBytes, utf8Length } from '../../core/password-policy.js'
import { guessLimits } from '../../core/rate-limits.js'
import type { Actor, PasswordSource, Ports, UserWithPassword } from '../../ports/index.js'
import { counted, type LimitPorts } from '../limits.js'
import { sourceOf } from '../password-source.js'
import { Refused } from '../refused.js'

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
 * strangers are, so a thief of the session cannot try many passwords. The right password resets both counts. A wrong password is `invalid_credentials`, and is written to the event log.
 */
export async function confirmPassword(
  ports: ConfirmPasswordPorts,
  auth: Auth,
  password: string,
  actor: Actor
): Promise<UserWithPassword> {
  // A session proves as much as a device that has signed in before.
  const source = sourceOf(actor, true)
  await ports.passwords.requireRoom(source)
  const user = await ports.users.find(auth.userId)
  if (user === undefined) throw new Refused('session_revoked')
  const about = { sid: auth.sessionId, userId: user.id }
  const ofSession = { limit: guessLimits.sessionInARow, key: auth.sessionId }
  const ofAccount = { limit: guessLimits.strangersInARow, key: readEmail(user.email)?.key ?? user.email }
  const isRight = await counted(
    ports,
    [{ limit: guessLimits.session, key: auth.sessionId }, ofSession],
    () => verifyPassword(ports, password, user.passwordHash, source),
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
  throw new Refused('invalid_credentials')
}
