import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Check, Errors } from 'typebox/value'
import { type AnyReply, rememberedAuth } from '../../core/request-auth.js'
import { type Mode, maxRoles, modes, rolePattern, uuidPattern } from '../../core/vocabulary.js'
import { Refused } from '../../service/refused.js'
import type { SignedIn } from '../../service/sessions/start-session.js'
import { loginByHost, type Person } from '../../service/sign-in/host-login.js'
import type { HttpContext } from '../context.js'
import { isOurs } from '../cookies/ownership.js'
import { actorOf, handOutReplaced, handOutSignedIn, heldHostCookie, tokensInCookies } from '../credentials.js'
import { device as deviceSchema, mode as modeSchema } from '../schemas/sign-in.js'

/** What a host says about a person whose identity it has proved. */
export interface HostLogin {
  /** The person's id in Latchkey. Either this or `externalId`. */
  readonly userId?: string | undefined
  /**
   * The person's id where the host has it from, such as the `sub` of an OpenID provider or the DN of a directory: 1 to 255
   * characters. It must never be given to another person. An unknown one makes an account without a password.
   */
  readonly externalId?: string | undefined
  /**
   * For a new account: its address, if `emailVerified` is true. Otherwise it is ignored: the person may have typed the
   * address of somebody else, who could later get into this account by a mail. Never finds or changes an account.
   */
  readonly email?: string | undefined
  /**
   * Whether you vouch that the person, and nobody else, receives mail at `email`; false by default. True if the person has
   * proved it, or if only your administrators write the address.
   */
  readonly emailVerified?: boolean | undefined
  /** How the client holds the session, as in the body of `POST /login`; `cookie` by default. */
  readonly mode?: Mode | undefined
  /** A name for this device, of at most 100 characters. */
  readonly device?: string | undefined
  /** In `body` mode: the `device_token` of the last login on this device. Other modes send a cookie. */
  readonly deviceToken?: string | undefined
  /** How the host has authenticated the person: 1 to 8 methods, such as `['pwd']` or `['fed', 'mfa']` (RFC 8176). */
  readonly amr: readonly string[]
  /** All roles of the person from now on, at most 16. Without it they stay as they are. */
  readonly roles?: readonly string[] | undefined
}

/** What `POST /login` answers too. */
export interface HostSession {
  /** Not in `session` mode. */
  readonly access_token?: string
  readonly token_type?: 'Bearer'
  /** Seconds. */
  readonly expires_in: number
  readonly session_id: string
  /** In `body` mode only, as are the next two. */
  readonly refresh_token?: string
  /** Seconds. */
  readonly refresh_expires_in?: number
  readonly device_token?: string
}

const text = Type.String()
const optional = <T extends Parameters<typeof Type.Optional>[0]>(schema: T) =>
  Type.Optional(Type.Union([schema, Type.Undefined()]))

/** The arguments of which the host's code alone can be the author. What people type is refused with a problem. */
const loginSchema = Type.Object(
  {
    userId: optional(text),
    externalId: optional(text),
    email: optional(text),
    emailVerified: optional(Type.Boolean()),
    mode: optional(Type.Unknown()),
    device: optional(Type.Unknown()),
    deviceToken: optional(Type.Unknown()),
    amr: Type.Array(Type.String({ pattern: '^[A-Za-z0-9._:-]{1,32}$' }), {
      minItems: 1,
      maxItems: 8,
      uniqueItems: true
    }),
    roles: optional(Type.Array(Type.String({ pattern: rolePattern }), { maxItems: maxRoles, uniqueItems: true }))
  },
  { additionalProperties: false }
)

const answered = new WeakSet<FastifyRequest>()

/**
 * `app.latchkey.startSession`. It does not check where the request comes from: the answer of an identity provider is a
 * request of another site. The host's route decides whose requests it accepts.
 * @internal The package's types leave out what would need those of all ports.
 */
export function startSessionFor(context: HttpContext) {
  return async (reply: AnyReply, login: HostLogin): Promise<HostSession> => {
    const own = requireReply(reply)
    const { person, ...checked } = checkedLogin(login)
    const { request } = own
    if (own.sent) throw new Error('startSession was called after the reply was sent, so it could set no cookie.')
    if (answered.has(request)) throw new Error('startSession was called twice for one request.')
    answered.add(request)
    own.header('cache-control', 'no-store')
    try {
      return await context.ports.logTo(request.log, () => start(own, person, checked, context))
    } catch (error) {
      answered.delete(request)
      throw error
    }
  }
}

type CheckedLogin = Omit<ReturnType<typeof checkedLogin>, 'person'>

async function start(
  reply: FastifyReply,
  person: Person,
  { mode, device, deviceToken: inBody, amr, roles }: CheckedLogin,
  context: HttpContext
): Promise<HostSession> {
  const { request } = reply
  const holdsCookie = mode === 'cookie' || mode === 'session'
  const replacedTokens = holdsCookie
    ? tokensInCookies(request, mode === 'session' ? 'session' : 'refresh', context)
    : []
  const deviceCookies = tokensInCookies(request, 'device', context)
  const deviceToken = inBody ?? deviceCookies.find(({ token }) => isOurs('device', token, context))?.token
  const auth = rememberedAuth(request)
  const heldCookie = heldHostCookie(request, reply, context)
  const input = { person, mode, device, replacedTokens, deviceToken, amr, roles, auth, heldCookie }
  const credentials = await loginByHost(context.ports, input, actorOf(request))
  if (isSignedIn(credentials)) return handOutSignedIn(request, reply, credentials, context)
  return handOutReplaced(request, reply, credentials, context, auth?.sessionId ?? credentials.sessionId)
}

const isSignedIn = (credentials: object): credentials is SignedIn => 'deviceToken' in credentials

/** Throws a TypeError for a mistake of the host's code, and `Refused` for what a person may have caused. */
function checkedLogin(login: HostLogin) {
  if (!Check(loginSchema, login)) throw new TypeError(`startSession: ${faultOf(login)}`)
  const { userId, externalId, email, emailVerified, mode = 'cookie', device, deviceToken, amr, roles } = login
  if ((userId === undefined) === (externalId === undefined)) {
    throw new TypeError('startSession needs either userId or externalId.')
  }
  if (!Check(modeSchema, mode)) throw refusedField('mode', `must be one of ${modes.join(', ')}`)
  if (device !== undefined && !Check(deviceSchema, device)) {
    throw refusedField('device', 'must have 1 to 100 characters, without control characters')
  }
  if (deviceToken !== undefined && !Check(text, deviceToken)) throw refusedField('device_token', 'must be a text')
  const known = userId !== undefined && !isUserId.test(userId) ? unknownUser : userId
  const person: Person =
    known === undefined ? { externalId: externalId ?? '', email, emailVerified } : { userId: known }
  return { person, mode, device, deviceToken, amr, roles }
}

const isUserId = new RegExp(`^${uuidPattern}$`)
/** The id of nobody. A text of another form is no id, and the database is not asked for it. */
const unknownUser = '00000000-0000-0000-0000-000000000000'

const refusedField = (field: string, message: string) =>
  new Refused('invalid_request', { errors: [{ field, message }] })

function faultOf(login: unknown): string {
  const [error] = Errors(loginSchema, login)
  const member = error?.instancePath.split('/')[1]
  return `${member ?? 'the second argument'} ${error?.message ?? 'does not fit'}`
}

function requireReply(reply: AnyReply): FastifyReply {
  const { request }: Partial<FastifyReply> = Object(reply)
  if (request === undefined) throw new TypeError('startSession needs the reply of the request as its first argument.')
  return reply as FastifyReply
}
