import { Ajv, type Options } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifySchemaCompiler } from 'fastify'
import { readBodies } from './bodies.js'
import type { HttpContext, Scope } from './context.js'
import { requireExactAddresses } from './exact-addresses.js'
import { keepBodies } from './host/own-bodies.js'
import { isAnsweredSlowly, refuse } from './problem.js'

/**
 * What holds for every route: errors become problems, requests are validated strictly, responses are counted. A host's
 * own settings for these do not reach our scope. Hooks that do not wait call `done`, because each promise would cost
 * every request a turn of the microtask queue.
 */
export function prepareScope(scope: Scope, context: HttpContext): void {
  scope.setErrorHandler(async (error, request, reply) => {
    // The uses of limits have been given back by now, so a client that waits here keeps no other client out.
    if (isAnsweredSlowly(error)) await context.ports.refusalPause()
    return refuse(request, reply, error, context)
  })
  scope.setValidatorCompiler(compile)
  // Views build responses member by member, and types check them against the schemas, so nothing is filtered here.
  scope.setSerializerCompiler(() => JSON.stringify)
  // What use cases and adapters log while they handle a request goes to its log, so the lines have its id.
  scope.addHook('onRequest', (request, _reply, done) => context.ports.logTo(request.log, done))
  keepBodies(scope)
  requireExactAddresses(scope)
  readBodies(scope)
  scope.addHook('onResponse', ({ method, routeOptions: { url: route = '*' } }, reply, done) => {
    const { statusCode: status, elapsedTime } = reply
    context.ports.metrics.noteResponse({ method, route, status, seconds: elapsedTime / 1000 })
    done()
  })
}

/** Forbids caches to store any response of the scope. A route that is for everybody sets its own header. */
export function forbidCaching(scope: Scope): void {
  scope.addHook('onRequest', (_request, reply, done) => {
    reply.header('cache-control', 'no-store')
    done()
  })
}

const options: Options = { allErrors: true, useDefaults: true, removeAdditional: false, strict: false }
/** JSON has types, so a string is refused where a number is due. */
const bodies = new Ajv({ ...options, coerceTypes: false })
/** Addresses and headers are text, so numbers and booleans are read from it. */
const texts = new Ajv({ ...options, coerceTypes: true })
addFormats.default(bodies)
addFormats.default(texts)

const compile: FastifySchemaCompiler<object> = ({ schema, httpPart }) =>
  (httpPart === 'body' ? bodies : texts).compile(schema)
