import type { FastifyPluginAsync, FastifyReply, FastifyRequest, preHandlerAsyncHookHandler } from 'fastify'
import type { Auth } from '../core/access-claims.js'
import type { VerifierOptions } from './options.js'
import type { Refused } from './refusals.js'
import { createVerifier } from './verifier.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** A `preHandler` that answers 401 or fills `request.auth`. */
    authenticate: preHandlerAsyncHookHandler
    /** A `preHandler` behind `authenticate` that answers 403 to whoever lacks `role`. */
    requireRole(role: string): preHandlerAsyncHookHandler
  }
  interface FastifyRequest {
    /** Who asks; null on a route that no guard stands before, and before the guard has run. */
    auth: Auth | null
  }
}

const plugin: FastifyPluginAsync<VerifierOptions> = async (app, options) => {
  const verifier = createVerifier({ warn: (message) => app.log.warn(message), ...options })
  app.addHook('onClose', () => verifier.close())

  app.decorateRequest('auth', null)
  app.decorate('authenticate', async (request: FastifyRequest, reply: FastifyReply) => {
    const verdict = await verifier.authenticate(request.headers)
    if (!verdict.ok) return send(reply, verdict)
    request.auth = verdict.auth
  })
  app.decorate('requireRole', (role: string) => async (request: FastifyRequest, reply: FastifyReply) => {
    const refused = verifier.refuseWithoutRole(request.auth, role)
    if (refused !== undefined) return send(reply, refused)
  })
}

/** The body is JSON already, whatever the route's own serializer makes of its successes. */
function send(reply: FastifyReply, { status, headers, body }: Refused): FastifyReply {
  return reply.code(status).headers(headers).serializer(String).send(body)
}

/**
 * Guards the routes of a Fastify app with the access tokens of a Latchkey service elsewhere:
 * `app.register(verifier, { issuer, audience })`. The app gains `app.authenticate`, `app.requireRole`
 * and `request.auth`, as from the Latchkey plugin itself. Closing the app stops it.
 */
export const verifier: FastifyPluginAsync<VerifierOptions> = Object.assign(plugin, {
  // What fastify-plugin would do: the app itself is decorated, not a scope inside it.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'latchkey-verifier',
  [Symbol.for('plugin-meta')]: { name: 'latchkey-verifier', fastify: '5.x' }
})
