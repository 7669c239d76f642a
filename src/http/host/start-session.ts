import type { FastifyReply, FastifyRequest } from 'fastify'
import { type AnyReply, rememberedAuth } from '../../core/request-auth.js'
import type { SignedIn } from '../../service/sessions/start-session.js'
import { loginByHost, type Person } from '../../service/sign-in/host-login.js'
import type { HttpContext } from '../context.js'
import { isOurs } from '../cookies/ownership.js'
import { actorOf, handOutReplaced, handOutSignedIn, heldHostCookie, tokensInCookies } from '../credentials.js'
import { checkedLogin, type HostLogin } from './checked-login.js'

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

const answered = new WeakSet<FastifyRequest>()

/**
 * `app.latchkey.startSession`. It does not check where the request comes from: the answer of an identity provider is a
 * request of another site. The host's route decides whose requests it accepts.
 * @internal The package's types leave out what would need those of all ports.
 */
export function startSessionFor(context: HttpContext) {
  return async (reply: AnyReply, login: HostLogin): Promise<HostSession> => {
    const own = requireReply(reply)
    const { person, ...checked } = checkedLogin('startSession', login)
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
  { deviceToken: inBody, ...login }: CheckedLogin,
  context: HttpContext
): Promise<HostSession> {
  const { request } = reply
  const { mode } = login
  const holdsCookie = mode === 'cookie' || mode === 'session'
  const replacedTokens = holdsCookie
    ? tokensInCookies(request, mode === 'session' ? 'session' : 'refresh', context)
    : []
  const deviceCookies = tokensInCookies(request, 'device', context)
  const deviceToken = inBody ?? deviceCookies.find(({ token }) => isOurs('device', token, context))?.token
  const auth = rememberedAuth(request)
  const heldCookie = heldHostCookie(request, reply, context)
  const input = { ...login, person, replacedTokens, deviceToken, auth, heldCookie }
  const credentials = await loginByHost(context.ports, input, actorOf(request))
  if (isSignedIn(credentials)) return handOutSignedIn(request, reply, credentials, context)
  return handOutReplaced(request, reply, credentials, context, auth?.sessionId ?? credentials.sessionId)
}

const isSignedIn = (credentials: object): credentials is SignedIn => 'deviceToken' in credentials

function requireReply(reply: AnyReply): FastifyReply {
  const { request }: Partial<FastifyReply> = Object(reply)
  if (request === undefined) throw new TypeError('startSession needs the reply of the request as its first argument.')
  return reply as FastifyReply
}
