import { readEmail } from '../core/email.js'
import { maxPasswordBytes, utf8Length } from '../core/password-policy.js'
import { type Actor, type Ports, Unavailable, type UserWithPassword } from '../ports.js'
import type { Credentials } from './issue-credentials.js'
import { Refused } from './refused.js'
import { requireAllowedMode, type SessionWish, type StartSessionPorts, startSession } from './start-session.js'

export type LoginPorts = StartSessionPorts & Pick<Ports, 'users' | 'passwords' | 'events' | 'decisions'>

/**
 * Proves a password and starts a session. An unknown e-mail, a wrong password and a disabled user
 * are one answer, after the same work (ASVS 6.3.8).
 */
export async function login(
  ports: LoginPorts,
  input: { readonly email: string; readonly password: string } & SessionWish,
  actor: Actor
): Promise<Credentials> {
  requireAllowedMode(ports, input.mode)
  const user = await findUser(ports, input.email)
  const proved = await provesPassword(ports, input.password, user)
  if (user === undefined) return refuse(ports, undefined, 'unknown_email', actor)
  if (!proved) return refuse(ports, user, 'wrong_password', actor)
  if (user.disabled) return refuse(ports, user, 'user_disabled', actor)

  const credentials = await startSession(ports, { userId: user.id, passwordHash: user.passwordHash }, input, {
    ...actor,
    userId: user.id
  })
  ports.decisions.note('login', 'succeeded', { sid: credentials.sessionId, userId: user.id })
  await upgradeOutdatedHash(ports, user, input.password)
  return credentials
}

async function findUser(ports: LoginPorts, text: string): Promise<UserWithPassword | undefined> {
  const email = readEmail(text)
  return email === undefined ? undefined : ports.users.findByEmail(email.key)
}

async function provesPassword(
  ports: LoginPorts,
  password: string,
  user: UserWithPassword | undefined
): Promise<boolean> {
  if (utf8Length(password) > maxPasswordBytes) return false
  return ports.passwords.verify(password, user?.passwordHash)
}

async function refuse(
  ports: LoginPorts,
  user: UserWithPassword | undefined,
  reason: 'unknown_email' | 'wrong_password' | 'user_disabled',
  actor: Actor
): Promise<never> {
  await ports.events.record({ type: 'login_failed', userId: user?.id, reason }, actor)
  ports.decisions.note('login', reason, { userId: user?.id })
  throw new Refused('invalid_credentials')
}

/** Only now is the password at hand to hash it as today's settings say. It can wait for another login. */
async function upgradeOutdatedHash(ports: LoginPorts, user: UserWithPassword, password: string): Promise<void> {
  if (!ports.passwords.isOutdated(user.passwordHash)) return
  try {
    await ports.users.upgradePasswordHash(user.id, user.passwordHash, await ports.passwords.hash(password))
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
  }
}
