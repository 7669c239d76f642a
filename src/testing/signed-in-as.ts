import type { JsonObject } from '../core/merge-patch.js'
import type { CookieTokenKind } from '../core/opaque-token.js'
import { noPasswordHash } from '../core/password-policy.js'
import type { Mode } from '../core/vocabulary.js'
import { contextOf, type HttpContext } from '../http/context.js'
import { cookieName, ownCookie } from '../http/cookies/cookies.js'
import { checkedLogin } from '../http/host/checked-login.js'
import { hostApp } from '../ports/events.js'
import type { Ports, User } from '../ports/index.js'
import { requireEmail, requireExternalId } from '../service/accounts/account-rules.js'
import { createClient } from '../service/admin/create-client.js'
import { updateUser } from '../service/admin/update-user.js'
import { issueClientToken } from '../service/clients/issue-client-token.js'
import { Refused } from '../service/refused.js'
import { loginByHost, type Person } from '../service/sign-in/host-login.js'

/** An app of any Fastify server, logger and type provider. */
interface AnyApp {
  ready(): PromiseLike<unknown>
}

/** Which person to sign in, and how. At most one of `userId`, `externalId` and `email` finds an existing account. */
export interface PersonOptions<M extends Mode = Mode> {
  /** The id of an account that exists. */
  readonly userId?: string | undefined
  /** The id by which the host knows the person. An unknown one makes an account. */
  readonly externalId?: string | undefined
  /** The address of an existing account, or of a new one; a new address of example.com by default. */
  readonly email?: string | undefined
  /** All roles of the person from now on. By default an account keeps its roles, and a new one has none. */
  readonly roles?: readonly string[] | undefined
  /** A JSON merge patch of the account's attributes (RFC 7396). */
  readonly attributes?: JsonObject | undefined
  /** How the client holds the session; `cookie` by default. */
  readonly mode?: M | undefined
  /** The name of the device. */
  readonly device?: string | undefined
  /** How the person was authenticated (RFC 8176); `['pwd']` by default. */
  readonly amr?: readonly string[] | undefined
  /** When the person was authenticated, in seconds since the epoch; now by default. For `requireRecentLogin`. */
  readonly authTime?: number | undefined
}

/** What a new machine client may do. */
export interface MachineOptions {
  readonly scopes: readonly string[]
}

/** A cookie of the app, as a browser under test takes it. */
export interface TestCookie {
  readonly name: string
  readonly value: string
  readonly httpOnly: true
  readonly secure: boolean
  readonly sameSite: 'Strict' | 'Lax' | 'None'
}

/** A person who is signed in. */
export interface SignedInPerson<M extends Mode = Mode> {
  readonly userId: string
  readonly sessionId: string
  /** All that the client sends with each request: the access token and the cookies. For `app.inject` and `fetch`. */
  readonly headers: Readonly<Record<string, string>>
  /** The cookies that `headers` has too, for a browser. None in `body` mode. */
  readonly cookies: readonly TestCookie[]
  /** Undefined in `session` mode. */
  readonly accessToken: M extends 'session' ? undefined : string
  /** Undefined in all modes but `body`. */
  readonly refreshToken: M extends 'body' ? string : undefined
}

/** A machine client with an access token. */
export interface SignedInMachine {
  readonly clientId: string
  readonly clientSecret: string
  readonly headers: Readonly<Record<string, string>>
  readonly accessToken: string
}

/**
 * Signs in a person to an app with the Latchkey plugin, without a request and without a password; with `scopes`, a new
 * machine client. Account, session and tokens are real ones in the app's database: routes, roles, refreshes, revocations
 * and hooks work as in production. Waits until the app is ready. Throws a `TypeError` for a mistake in the options, and
 * `Refused` as `app.latchkey.startSession` does.
 *
 * @example
 * ```ts
 * import { mkdtemp, rm } from 'node:fs/promises'
 * import { tmpdir } from 'node:os'
 * import { join } from 'node:path'
 * import Fastify from 'fastify'
 * import latchkey from 'latchkey'
 * import { signedInAs } from 'latchkey/testing'
 *
 * const dataDir = await mkdtemp(join(tmpdir(), 'test-'))
 * const app = Fastify()
 * await app.register(latchkey, { prefix: '/auth', issuer: 'http://localhost:3000/auth', dataDir })
 * const { authenticate, requireRole, requireScope, sessions } = app.latchkey
 * app.get('/ops', { preHandler: [authenticate, requireRole('admin')] }, async () => 'for admins')
 * app.get('/export', { preHandler: requireScope('reports:read') }, async () => 'for machines')
 *
 * const ada = await signedInAs(app, { roles: ['admin'] })
 * console.log((await app.inject({ url: '/ops', headers: ada.headers })).body) // for admins
 * await sessions.endSession(ada.sessionId)
 * console.log((await app.inject({ url: '/ops', headers: ada.headers })).json().code) // session_revoked
 *
 * const machine = await signedInAs(app, { scopes: ['reports:read'] })
 * console.log((await app.inject({ url: '/export', headers: machine.headers })).body) // for machines
 * await app.close()
 * await rm(dataDir, { recursive: true })
 * ```
 */
export function signedInAs(app: AnyApp, machine: MachineOptions): Promise<SignedInMachine>
export function signedInAs<M extends Mode = 'cookie'>(
  app: AnyApp,
  person?: PersonOptions<M>
): Promise<SignedInPerson<M>>
export async function signedInAs(
  app: AnyApp,
  options: MachineOptions | PersonOptions = {}
): Promise<SignedInMachine | SignedInPerson> {
  await app.ready()
  const context = requireContext(app)
  return 'scopes' in options ? signedInMachine(context, options) : signedInPerson(context, options)
}

function requireContext(app: AnyApp): HttpContext {
  const { latchkey }: { readonly latchkey?: object } = Object(app)
  if (latchkey === undefined) {
    throw new TypeError(
      'signedInAs: this app has no app.latchkey. If Latchkey is registered inside a plugin, pass the app of that plugin.'
    )
  }
  const context = contextOf(latchkey)
  if (context !== undefined) return context
  throw new TypeError(
    'signedInAs: app.latchkey is not that of the Latchkey plugin. For an app with the verifier, use testIssuer.'
  )
}

async function signedInMachine({ ports }: HttpContext, options: MachineOptions): Promise<SignedInMachine> {
  const { scopes, ...others } = options
  const [other] = Object.keys(others)
  if (other !== undefined) throw new TypeError(`signedInAs: a machine client has scopes, and no ${other}.`)
  if (!Array.isArray(scopes) || scopes.length === 0) throw new TypeError('signedInAs: scopes must be a list of texts.')
  const { client, secret } = await createClient(ports, { name: 'latchkey/testing', scopes }, hostApp)
  const proved = await ports.clients.authenticate(client.id, ports.digest(secret))
  if (proved === undefined) throw new Error('signedInAs: the new client was deleted at once.')
  const { accessToken } = await issueClientToken(ports, proved, undefined)
  return {
    clientId: client.id,
    clientSecret: secret,
    headers: { authorization: `Bearer ${accessToken}` },
    accessToken
  }
}

async function signedInPerson(context: HttpContext, options: PersonOptions): Promise<SignedInPerson> {
  const { ports } = context
  const { userId, externalId, email, attributes, ...rest } = options
  const whom = externalId === undefined ? { userId: userId ?? ports.entropy.uuid() } : { userId, externalId }
  const login = { ...rest, ...whom, email, emailVerified: true, amr: rest.amr ?? ['pwd'] }
  const { person, ...checked } = checkedLogin('signedInAs', login)
  const account = await accountOf(ports, person, userId === undefined, options)
  if (attributes !== undefined) await updateUser(ports, account.id, { attributes }, hostApp)
  const signedIn = await loginByHost(
    ports,
    { ...checked, person: { userId: account.id }, replacedTokens: [], auth: null, heldCookie: async () => undefined },
    { ip: '127.0.0.1', userAgent: 'latchkey/testing' }
  )
  const { sessionId, accessToken, opaque } = signedIn
  const tokens = [
    ...(opaque === undefined ? [] : [opaque]),
    ...('deviceToken' in signedIn ? [{ kind: 'device' as const, token: signedIn.deviceToken }] : [])
  ]
  const cookies = checked.mode === 'body' ? [] : tokens.map((one) => cookieOf(one, context))
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
  return {
    userId: account.id,
    sessionId,
    headers: {
      ...(accessToken !== undefined && { authorization: `Bearer ${accessToken}` }),
      ...(cookie !== '' && { cookie })
    },
    cookies,
    accessToken,
    refreshToken: checked.mode === 'body' ? opaque?.token : undefined
  }
}

/** Finds the account. Makes one for an unknown external id or address, and for an unknown id if `isNew` is true. */
async function accountOf(
  { users, entropy }: Pick<Ports, 'users' | 'entropy'>,
  person: Person,
  isNew: boolean,
  { email, roles = [] }: Pick<PersonOptions, 'email' | 'roles'>
): Promise<Pick<User, 'id'>> {
  const address = email === undefined ? undefined : requireEmail(email)
  if ('externalId' in person) requireExternalId(person.externalId)
  const find = async () => {
    if ('externalId' in person) return users.findByExternalId(person.externalId)
    if (!isNew) return users.find(person.userId)
    return address && users.findByEmail(address)
  }
  const found = await find()
  if (found !== undefined) return found
  if (!isNew) throw new Refused('not_found')

  const id = 'userId' in person ? person.userId : entropy.uuid()
  const account = { id, passwordHash: noPasswordHash(entropy.uuid()), roles }
  const made =
    'externalId' in person
      ? await users.createExternal({ ...account, externalId: person.externalId, verifiedEmail: address }, hostApp)
      : await users.create(
          { ...account, email: address ?? requireEmail(`${id}@example.com`), emailVerified: true },
          hostApp
        )
  if (typeof made !== 'string') return made
  // Another call may have made it at the same time. Otherwise another account has the address.
  const other = await find()
  if (other !== undefined) return other
  throw new Refused('email_taken')
}

const sameSites = { strict: 'Strict', lax: 'Lax', none: 'None' } as const

function cookieOf(
  { kind, token }: { readonly kind: CookieTokenKind; readonly token: string },
  { settings }: HttpContext
): TestCookie {
  return {
    name: cookieName(ownCookie(kind, settings), settings),
    value: token,
    httpOnly: true,
    secure: settings.cookieSecure,
    sameSite: sameSites[settings.cookieSameSite]
  }
}
