import type {
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  preHandlerAsyncHookHandler,
  RegisterOptions
} from 'fastify'
import type { Auth } from '../core/access-claims.js'
import type { VerifierOptions } from './options.js'
import type { RefusalResponse } from './refusals.js'
import { createVerifier } from './verifier.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** A `preHandler` that sets `request.auth`, or answers 401. */
    authenticate: preHandlerAsyncHookHandler
    /** A `preHandler` after `authenticate` that answers 403 to users without `role`. */
    requireRole(role: string): preHandlerAsyncHookHandler
  }
  interface FastifyRequest {
    /** The user of the request; null on a route without `authenticate`, and before it has run. */
    auth: Auth | null
  }
}

const plugin: FastifyPluginAsync<VerifierOptions> = async (app, options) => {
  const verifier = createVerifier({ warn: warningsTo(app), ...ownOptions(options) })
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

  app.decorateRequest('auth', null)
  app.decorate('authenticate', async (request: FastifyRequest, reply: FastifyReply) => {
    const result = await verifier.authenticate(request.headers)
    if (!result.ok) return send(reply, result)
    request.auth = result.auth
  })
  app.decorate('requireRole', (role: string) => async (request: FastifyRequest, reply: FastifyReply) => {
    const refusal = verifier.refuseWithoutRole(request.auth, role)
    if (refusal !== undefined) return send(reply, refusal)
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
 * Fastify plugin that guards routes with the access tokens of a Latchkey service elsewhere. It adds `app.authenticate`,
 * `app.requireRole` and `request.auth`, like the Latchkey plugin itself. A refused request gets problem details (RFC
 * 9457) with status 401, 403 or 503. Closing the app closes the verifier. Registering fails with a TypeError that names
 * an invalid option.
 *
 * @example
 * ```ts
 * import Fastify from 'fastify'
 * import verifier from 'latchkey/verifier'
 *
 * const app = Fastify()
 * await app.register(verifier, { issuer: 'https://auth.example.com', audience: 'https://auth.example.com' })
 * app.get('/reports', { preHandler: app.authenticate }, async (request) => ({ for: request.auth.userId === userId }))
 * app.get('/admin', { preHandler: [app.authenticate, app.requireRole('admin')] }, async () => 'for admins')
 *
 * const headers = { authorization: `Bearer ${accessToken}` }
 * const reports = await app.inject({ url: '/reports', headers })
 * console.log(reports.statusCode, reports.body) // 200 {"for":true}
 * const admin = await app.inject({ url: '/admin', headers })
 * console.log(admin.statusCode, admin.json().code) // 403 insufficient_scope
 * await app.close()
 * ```
 */
export const verifier: FastifyPluginAsync<VerifierOptions> = Object.assign(plugin, {
  // The same as fastify-plugin: decorate the app itself, not a scope inside it.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'latchkey-verifier',
  [Symbol.for('plugin-meta')]: { name: 'latchkey-verifier', fastify: '5.x' }
})
