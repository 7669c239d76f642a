import type { Auth, ClientAuth } from './access-claims.js'
import { isScope } from './scopes.js'
import type { SignedInWatch, WatchOptions } from './signed-in-watch.js'

/** A request of any Fastify server, logger and type provider. */
interface AnyRequest {
  readonly id: string
}

/** A reply of any Fastify server, logger and type provider. */
export interface AnyReply {
  readonly statusCode: number
}

interface GuardMethod {
  guard(request: AnyRequest, reply: AnyReply): Promise<unknown>
}

/**
 * A `preHandler` for routes of any server, logger and type provider. TypeScript compares the parameters of methods less
 * strictly than those of functions, so a guard's own code can still use the whole request.
 */
export type Guard = GuardMethod['guard']

/**
 * Makes a `preHandler` of `check`, which returns nothing if it accepts the request without waiting. The guard then calls
 * Fastify's `done`: a promise would cost each request a turn of the microtask queue. A host's own code calls it without
 * `done`, and a hook of another kind has the payload in its place: these get a promise.
 */
export function guardOf<Request, Reply>(check: (request: Request, reply: Reply) => Promise<unknown> | undefined) {
  function guard(request: Request, reply: Reply): Promise<unknown>
  function guard(request: Request, reply: Reply, done: () => void): Promise<unknown> | undefined
  function guard(request: Request, reply: Reply, done?: unknown): Promise<unknown> | undefined {
    if (typeof done !== 'function') return promised(request, reply)
    const waiting = check(request, reply)
    if (waiting === undefined) done()
    return waiting
  }
  async function promised(request: Request, reply: Reply): Promise<unknown> {
    return check(request, reply)
  }
  return guard
}

/** An app of any Fastify server, logger and type provider. */
interface AnyApp {
  readonly prefix: string
}

interface PluginMethod<Options> {
  plugin(app: AnyApp, options: Options): Promise<void>
}

/** A plugin for apps of any server, logger and type provider. A method for the same reason as `Guard`. */
export type HostPlugin<Options> = PluginMethod<Options>['plugin']

/** What `app.latchkey` has both in the service's plugin and in the verifier's. */
export interface GuardMembers {
  /** A `preHandler`: sets `request.auth`, or answers 401. */
  readonly authenticate: Guard
  /** A `preHandler` for pages that also strangers see: `authOf(request)` then says who is signed in. */
  readonly authenticateOptional: Guard
  /** Returns a `preHandler` to run after `authenticate`: answers 403 to a user without `role`. */
  requireRole(role: string): Guard
  /**
   * Returns a `preHandler` to run after `authenticate`: answers 401 `insufficient_user_authentication` (RFC 9470) to a
   * user whose last login is longer ago. By default the service's `REAUTHENTICATION_SECONDS`, in a verifier 900.
   */
  requireRecentLogin(maxAgeSeconds?: number): Guard
  /**
   * Returns a `preHandler` for routes of machine clients, in place of `authenticate`: accepts only the access token of a
   * client that has `scope`. Throws a TypeError if `scope` cannot be a scope (RFC 6749 §3.3).
   */
  requireScope(scope: string): Guard
  /** The machine client of the request; null unless `requireScope` has accepted one. Never throws. */
  clientOf(request: AnyRequest): ClientAuth | null
  /** The user of the request; null if nobody is signed in, and on a route without a guard. Never throws. */
  authOf(request: AnyRequest): Auth | null
  /**
   * For a connection that outlives its request, such as a WebSocket or a stream of events: calls `onEnd` once when the
   * session has ended anywhere, or the access token has expired. Pass the request, after a guard, or an access token that
   * came in another way; what is neither is a token that is not good. Throws for a request without a guard, and for one where nobody is signed in.
   */
  whileSignedIn(credential: AnyRequest | string, options: WatchOptions): SignedInWatch
}

const authKey = Symbol('latchkey.auth')
const clientKey = Symbol('latchkey.client')

/** Undefined: no guard has run. Null: a guard has run, and nobody is signed in. */
interface RequestWithAuth extends AnyRequest {
  [authKey]?: Auth | null
  [clientKey]?: ClientAuth
}

/** The name under which a guard remembers its result, for the server to prepare its requests. */
export const requestAuthKey: symbol = authKey

export function rememberAuth(request: RequestWithAuth, auth: Auth | null): void {
  request[authKey] = auth
}

/** The user that a guard found; null if nobody is signed in, and if no guard has run. */
export function rememberedAuth(request: RequestWithAuth): Auth | null {
  return request[authKey] ?? null
}

/** Whether `value` is a request that a guard may have seen. Nothing that comes in a message can be one. */
export const isGuardableRequest = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && authKey in value

export function rememberClient(request: RequestWithAuth, client: ClientAuth): void {
  request[clientKey] = client
}

/** The machine client that `requireScope` accepted; null if it accepted none. */
export function rememberedClient(request: RequestWithAuth): ClientAuth | null {
  return request[clientKey] ?? null
}

/** Throws a TypeError unless `scope` can be a scope: no token could ever have another text. */
export function checkScope(scope: string): void {
  if (isScope(scope)) return
  throw new TypeError(
    `requireScope(${JSON.stringify(scope)}): a scope has 1 to 64 characters, without spaces, " and \\.`
  )
}

/** `request.auth`. Throws on a route where no guard has run, or where nobody is signed in. */
export function requestAuth(request: RequestWithAuth): Auth {
  const auth = request[authKey]
  if (auth) return auth
  if (request[clientKey]) {
    throw new Error(
      'request.auth was read, but a machine client sent the request. Use app.latchkey.clientOf(request) after requireScope.'
    )
  }
  throw new Error(
    auth === null
      ? 'request.auth was read, but nobody is signed in. Use app.latchkey.authOf(request), which is null then.'
      : 'request.auth was read on a route without a guard. Add { preHandler: app.latchkey.authenticate } to the route.'
  )
}
