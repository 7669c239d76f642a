import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { type Email, readEmail } from '../../src/core/email.js'
import type { SessionPolicy } from '../../src/core/policy.js'
import type { ClientStore } from '../../src/ports/clients.js'
import type { EventLog } from '../../src/ports/events.js'
import type { LinkStore, MailLog, Outbox } from '../../src/ports/mail.js'
import type { LiveSession, NewSession, Replacement, SessionStore } from '../../src/ports/sessions.js'
import type { UserStore } from '../../src/ports/user-store.js'
import { type AddressedUser, hasAddress, type UserWithPassword } from '../../src/ports/users.js'

/** The settings of the stores, and whether they write notices. */
type StorePolicy = SessionPolicy & { readonly notices: boolean; readonly claimAttributes: readonly string[] | 'any' }

/** The stores over one database, and helpers for the contract suites. */
export interface Stores {
  readonly users: UserStore
  readonly sessions: SessionStore
  readonly events: EventLog
  readonly links: LinkStore
  readonly outbox: Outbox
  readonly mails: MailLog
  readonly clients: ClientStore
  /** A store of the same sessions with other settings. */
  sessionsUnder(policy: Partial<StorePolicy>): SessionStore
  /** How often a race is run: often on a server, rarely on the embedded database, where operations take turns. */
  readonly rounds: number
  /** Moves all stored times into the past, as if `seconds` had passed. */
  age(seconds: number): Promise<void>
}

/** The settings of `Stores.sessions`. */
export const policy: StorePolicy = {
  notices: true,
  claimAttributes: ['plan'],
  graceSeconds: 20,
  recoveryGenerations: 16,
  accessTokenTtlSeconds: 600,
  refreshIdleTtlSeconds: 10_000,
  refreshAbsoluteTtlSeconds: 50_000,
  maxSessionsPerUser: 100,
  modes: ['cookie', 'body', 'session', 'access']
}

export const digest = (text: string) => createHash('sha256').update(text).digest('hex')

export const ops = { userId: randomUUID(), ip: '192.0.2.9', userAgent: 'ops' } as const

export function emailOf(text: string): Email {
  const email = readEmail(text)
  if (email === undefined) throw new Error(`${text} is not an e-mail address`)
  return email
}

/** Creates an account for one test. */
export async function addUser(
  stores: Stores,
  changes: { email?: string; roles?: string[]; locale?: string } = {}
): Promise<AddressedUser> {
  const id = randomUUID()
  const email = changes.email ?? `${id}@example.org`
  const passwordHash = digest(id)
  const user = await stores.users.create(
    { id, email: emailOf(email), passwordHash, roles: changes.roles ?? [], locale: changes.locale },
    { userId: id }
  )
  if (user === 'email_taken') throw new Error(`${email} is taken`)
  return addressed({ ...user, passwordHash, awaitsConfirmation: false })
}

/** The account of a user that has an address. */
export function addressed(user: UserWithPassword | undefined): AddressedUser {
  if (user === undefined || !hasAddress(user)) throw new Error('there is no account with an address')
  return user
}

/** Creates the session of a login with the password hash of `user`; 'user_changed' if the store refuses it. */
export function tryLogin(
  stores: Stores,
  user: UserWithPassword,
  changes: Partial<NewSession & Omit<Parameters<SessionStore['create']>[1], 'passwordHash'>> = {}
) {
  const { maxPerUser = 100, replaces, replacedReason, isNewDevice = false, ...rest } = changes
  const session: NewSession = {
    id: randomUUID(),
    userId: user.id,
    mode: 'cookie',
    secretHash: digest(randomBytes(8).toString('hex')),
    device: null,
    userAgent: 'browser',
    ip: '192.0.2.1',
    amr: ['pwd'],
    idleTtlSeconds: policy.refreshIdleTtlSeconds,
    absoluteTtlSeconds: policy.refreshAbsoluteTtlSeconds,
    ...rest
  }
  return stores.sessions.create(
    session,
    { passwordHash: user.passwordHash, maxPerUser, replaces, replacedReason, isNewDevice },
    { userId: user.id }
  )
}

export async function login(...[stores, user, changes]: Parameters<typeof tryLogin>): Promise<LiveSession> {
  const created = await tryLogin(stores, user, changes)
  if (created === 'user_changed') throw new Error('the login was refused')
  return created.session
}

/** The result of a change of a user. Throws if it was refused. */
export function changed<T>(result: T | 'last_admin' | 'external_id_taken'): T {
  if (result === 'last_admin' || result === 'external_id_taken') throw new Error(String(result))
  return result
}

/** The session that replaces `session`. */
export const replacementOf = ({ id }: Pick<LiveSession, 'id'>, changes: Partial<Replacement> = {}): Replacement => ({
  id: randomUUID(),
  replaces: id,
  secretHash: digest(randomBytes(8).toString('hex')),
  amr: ['pwd'],
  userAgent: 'browser',
  ip: '192.0.2.1',
  idleTtlSeconds: policy.refreshIdleTtlSeconds,
  ...changes
})

/** The attempt that rotates `session` from its current generation. */
export const attempt = ({ id, generation, secretHash }: LiveSession, retryKeyHash: string | null = null) => ({
  sid: id,
  generation,
  secretHash,
  retryKeyHash
})

/** Reads the session again. Throws if it does not exist. */
export async function reread(stores: Stores, { id }: { readonly id: string }): Promise<LiveSession> {
  const session = await stores.sessions.find(id)
  if (session === undefined) throw new Error('the session does not exist')
  return session
}

export async function eventsOf(stores: Stores, filter: Parameters<EventLog['list']>[0]) {
  return (await stores.events.list(filter, { limit: 200 })).items
}
