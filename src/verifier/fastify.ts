import type { FastifyInstance, FastifyReply, FastifyRequest, RegisterOptions } from 'fastify'
import type { Auth } from '../core/access-claims.js'
import {
  checkScope,
  type GuardMembers,
  guardOf,
  type HostPlugin,
  isGuardableRequest,
  rememberAuth,
  rememberClient,
  rememberedAuth,
  rememberedClient,
  requestAuth,
  requestAuthKey
} from '../core/request-auth.js'
import type { VerifierOptions } from './options.js'
import type { RefusalResponse } from './refusals.js'
import { type ClientVerificationResult, type VerificationResult, type Verifier, verifierOfApp } from './verifier.js'

// Fastify is optional beside the verifier. In a file of types, an unknown module here is no error, but an import of it
// would be: so what this file exports must not need Fastify's types.
declare module 'fastify' {
  interface FastifyInstance {
    latchkey: LatchkeyMembers
  }
  interface FastifyRequest {
    /** The user and session of the request. Throws on a route without a guard, and where nobody is signed in. */
    readonly auth: Auth
  }
  interface LatchkeyMembers extends GuardMembers {}
}

async function plugin(app: FastifyInstance, options: VerifierOptions): Promise<void> {
  const verifier = verifierOfApp({ warn: warningsTo(app), ...ownOptions(options) })
  // A closing server waits for open responses, so streams must end before.
  app.addHook('preClose', () => verifier.endWatches())
  app.addHook('onClose', () => verifier.close())
  app.addHook('onReady', async () => {
    try {
      await verifier.ready()
    } catch (error) {
      // The process may go on without this app, and the feed would keep it alive.
      await verifier.close()
      throw error
    }
  })

  // The name as any text: in a program that has the service's plugin too, `app.latchkey` is typed with its members.
  app.decorate<GuardMembers, string>('latchkey', membersOf(verifier))
  decorateRequests(app)
}

function membersOf(verifier: Verifier): GuardMembers {
  const authenticate = (request: FastifyRequest, reply: FastifyReply) => {
    const result = verifier.authenticate(request.headers)
    if (result instanceof Promise) return result.then((verified) => acceptOrSend(request, reply, verified))
    return acceptOrSend(request, reply, result)
  }
  return {
    authenticate: guardOf(authenticate),

    authenticateOptional: guardOf((request: FastifyRequest, reply: FastifyReply) => {
      if (request.headers.authorization !== undefined) return authenticate(request, reply)
      rememberAuth(request, null)
      return undefined
    }),

    requireScope(scope) {
      checkScope(scope)
      return guardOf((request: FastifyRequest, reply: FastifyReply) => {
        const result = verifier.authenticateClient(request.headers, scope)
        if (result instanceof Promise) return result.then((verified) => acceptClientOrSend(request, reply, verified))
        return acceptClientOrSend(request, reply, result)
      })
    },

    clientOf: rememberedClient,

    requireRole: (role) => refusing((request) => verifier.refuseWithoutRole(senderOf(request), role)),

    requireRecentLogin: (maxAgeSeconds = defaultMaxAgeSeconds) =>
      refusing((request) => verifier.refuseWithoutRecentLogin(senderOf(request), maxAgeSeconds)),

    authOf: rememberedAuth,

    whileSignedIn(credential: FastifyRequest | string, options) {
      if (typeof credential === 'string') return verifier.whileSignedIn(credential, options)
      if (!isGuardableRequest(credential)) return verifier.whileSignedIn({}, options)
      requestAuth(credential)
      return verifier.whileSignedIn(credential.headers, options)
    }
  }
}

/** The default of the service's `REAUTHENTICATION_SECONDS`. */
const defaultMaxAgeSeconds = 900

function acceptOrSend(
  request: FastifyRequest,
  reply: FastifyReply,
  result: VerificationResult
): Promise<unknown> | undefined {
  if (!result.ok) return Promise.resolve(send(reply, result))
  rememberAuth(request, result.auth)
  return undefined
}

const senderOf = (request: FastifyRequest) => rememberedAuth(request) ?? rememberedClient(request)

function acceptClientOrSend(
  request: FastifyRequest,
  reply: FastifyReply,
  result: ClientVerificationResult
): Promise<unknown> | undefined {
  if (!result.ok) return Promise.resolve(send(reply, result))
  rememberClient(request, result.client)
  return undefined
}

function refusing(refusalOf: (request: FastifyRequest) => RefusalResponse | undefined) {
  return guardOf((request: FastifyRequest, reply: FastifyReply) => {
    const refusal = refusalOf(request)
    return refusal && Promise.resolve(send(reply, refusal))
  })
}

function decorateRequests(app: FastifyInstance): void {
  app.decorateRequest(requestAuthKey)
  if (app.hasRequestDecorator('auth')) {
    app.log.warn('This app has a request.auth of its own, which stays. Read the user by app.latchkey.authOf(request).')
    return
  }
  app.decorateRequest('auth', {
    getter() {
      return requestAuth(this)
    }
  })
}

/** Warnings go to the app's log. An app without a logger gets process warnings, so that they are not lost. */
function warningsTo({ log }: FastifyInstance): VerifierOptions['warn'] {
  // Fastify's stand-in for a logger has no level.
  return log.level === undefined ? undefined : (message) => log.warn(message)
}

/** Without the options that every plugin of Fastify may be given. */
function ownOptions(options: VerifierOptions & RegisterOptions): VerifierOptions {
  const { prefix, logLevel, logSerializers, ...own } = options
  return own
}

/** Bypasses the route's own serializer: the body is JSON already. */
function send(reply: FastifyReply, { status, headers, body }: RefusalResponse): FastifyReply {
  return reply.code(status).headers(headers).serializer(String).send(body)
}

/**
 * Fastify plugin that guards routes with the access tokens of a Latchkey service elsewhere. It adds `app.latchkey` and
 * `request.auth`, like the Latchkey plugin itself. A refused request gets problem details (RFC 9457) with status 401, 403
 * or 503. Closing the app closes the verifier. Registering fails with a TypeError that names
 * an invalid option.
 *
 * @example
 * ```ts
 * import Fastify from 'fastify'
 * import verifier from 'latchkey/verifier'
 *
 * const app = Fastify()
 * await app.register(verifier, { issuer: 'https://auth.example.com', audience: 'https://auth.example.com' })
 * app.get('/reports', { preHandler: app.latchkey.authenticate }, async (request) => ({ for: request.auth.userId === userId }))
 * app.get('/admin', { preHandler: [app.latchkey.authenticate, app.latchkey.requireRole('admin')] }, async () => 'for admins')
 *
 * const headers = { authorization: `Bearer ${accessToken}` }
 * const reports = await app.inject({ url: '/reports', headers })
 * console.log(reports.statusCode, reports.body) // 200 {"for":true}
 * const admin = await app.inject({ url: '/admin', headers })
 * console.log(admin.statusCode, admin.json().code) // 403 insufficient_scope
 * await app.close()
 * ```
 */
export const verifier: HostPlugin<VerifierOptions> = Object.assign(plugin, {
  // The same as fastify-plugin: decorate the app itself, not a scope inside it.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'latchkey-verifier',
  [Symbol.for('plugin-meta')]: { name: 'latchkey-verifier', fastify: '5.x' }
})
