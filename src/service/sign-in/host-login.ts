import type { Auth } from '../../core/access-claims.js'
import { noPasswordHash } from '../../core/password-policy.js'
import { Unavailable } from '../../ports/errors.js'
import { hostApp } from '../../ports/events.js'
import type { Actor, Ports, UserWithPassword } from '../../ports/index.js'
import { requireEmail, requireExternalId } from '../accounts/account-rules.js'
import { updateUser } from '../admin/update-user.js'
import { Refused } from '../refused.js'
import type { Credentials } from '../sessions/issue-credentials.js'
import { type HeldCookie, replaceSession, requireReplaceable } from '../sessions/replace-session.js'
import {
  requireAllowedMode,
  type SessionRequest,
  type SignedIn,
  type StartSessionPorts,
  startSession
} from '../sessions/start-session.js'
import { type DevicePorts, issueDeviceToken, openDeviceToken } from './known-device.js'

export type HostLoginPorts = StartSessionPorts & DevicePorts & Pick<Ports, 'users' | 'mail'>

/** Who the host says the person is. The address counts only if the external id is new, and the host vouches for it. */
export type Person =
  | { readonly userId: string }
  | { readonly externalId: string; readonly email?: string | undefined; readonly emailVerified?: boolean | undefined }

export interface HostLoginInput extends SessionRequest {
  readonly person: Person
  /** How the host has authenticated the person (RFC 8176). */
  readonly amr: readonly string[]
  /** When that was, in milliseconds; now by default. */
  readonly authTime?: number | undefined
  /** All roles of the person; undefined leaves them as they are. */
  readonly roles: readonly string[] | undefined
  /** The device token that the client sent. */
  readonly deviceToken: string | undefined
  /** Who is signed in where the request comes from. */
  readonly auth: Auth | null
  readonly heldCookie: HeldCookie
}

/**
 * Starts a session for a person whose identity the host has proved. An external id that nobody has makes an account without
 * a password. If the person is signed in, replaces that session, as `reauthenticate` does. Refuses an account that waits for
 * its confirmation: the password of the person who registered it would become valid.
 */
export async function loginByHost(
  ports: HostLoginPorts,
  input: HostLoginInput,
  actor: Actor
): Promise<SignedIn | Credentials> {
  requireAllowedMode(ports, input.mode)
  const user = await personOf(ports, input, actor)
  const about = { userId: user.id }
  if (user.disabled) {
    await ports.events.record({ type: 'login_failed', userId: user.id, reason: 'user_disabled' }, actor)
    ports.decisions.note('login', 'user_disabled', about)
    throw new Refused('invalid_credentials')
  }
  if (user.awaitsConfirmation) {
    await ports.events.record({ type: 'login_failed', userId: user.id, reason: 'email_not_verified' }, actor)
    ports.decisions.note('login', 'email_not_verified', about)
    throw new Refused('email_not_verified')
  }

  const { auth, heldCookie, amr } = input
  const authTime = input.authTime === undefined ? undefined : Math.min(input.authTime, ports.clock.now())
  const isSignedIn = auth?.userId === user.id
  // Before any change: the response must not overwrite the cookie of another session.
  const replaceable = isSignedIn ? await requireReplaceable(ports, auth, heldCookie) : undefined
  if (input.roles !== undefined && !hasRoles(user, input.roles)) {
    await updateUser(ports, user.id, { roles: input.roles }, { ...hostApp, ip: actor.ip })
  }

  const owner = { ...actor, userId: user.id }
  if (replaceable !== undefined) {
    const credentials = await replaceSession(ports, replaceable, { amr, authTime }, owner, (replacement) =>
      ports.sessions.replace(replacement, { userId: user.id, passwordHash: null }, owner)
    )
    ports.decisions.note('reauthentication', 'succeeded', { ...about, sid: credentials.sessionId })
    return credentials
  }

  const opened = openDeviceToken(ports, input.deviceToken)
  const device = opened?.userId === user.id ? opened : undefined
  const current = { ...user, roles: input.roles ?? user.roles }
  const proved = { user: current, passwordHash: null, amr, authTime, isNewDevice: device === undefined }
  const credentials = await startSession(ports, proved, input, owner)
  ports.decisions.note('login', 'succeeded', { ...about, sid: credentials.sessionId })
  return { ...credentials, deviceToken: issueDeviceToken(ports, user.id, device) }
}

async function personOf(ports: HostLoginPorts, input: HostLoginInput, actor: Actor): Promise<UserWithPassword> {
  const { person } = input
  if ('userId' in person) return (await ports.users.find(person.userId)) ?? refuseUnknown()

  const { externalId } = person
  requireExternalId(externalId)
  return (await ports.users.findByExternalId(externalId)) ?? (await addPerson(ports, person, input.roles, actor))
}

const refuseUnknown = (): never => {
  throw new Refused('not_found')
}

/**
 * Makes the account of a new external id. It gets the address only if the host vouches for it. Otherwise the person may
 * have typed the address of somebody else, who would later get into this account by a mailed link, and share it with the
 * person. An account that has the address already is never linked: its owner may be somebody else.
 */
async function addPerson(
  ports: HostLoginPorts,
  { externalId, email, emailVerified }: Exclude<Person, { userId: string }>,
  roles: readonly string[] = [],
  actor: Actor
): Promise<UserWithPassword> {
  const [id, passwordHash] = [ports.entropy.uuid(), noPasswordHash(ports.entropy.uuid())]
  const address = email !== undefined && emailVerified ? requireEmail(email) : undefined
  const user = { id, externalId, verifiedEmail: address, passwordHash, roles }
  const added = await ports.users.createExternal(user, { ...hostApp, ip: actor.ip })
  if (added === 'email_taken') {
    ports.decisions.note('registration', 'email_taken')
    throw new Refused('email_taken')
  }
  if (added !== 'external_id_taken') {
    ports.decisions.note('registration', 'succeeded')
    return { ...added, passwordHash, awaitsConfirmation: false }
  }
  // Another first login of the same person came at the same time.
  const other = await ports.users.findByExternalId(externalId)
  if (other === undefined)
    throw new Unavailable('The account of the external id was added and deleted at the same time.')
  return other
}

function hasRoles(user: UserWithPassword, roles: readonly string[]): boolean {
  return roles.length === user.roles.length && roles.every((role) => user.roles.includes(role))
}
