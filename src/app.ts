import helmet from '@fastify/helmet'
import Fastify, { type FastifyInstance } from 'fastify'
import { ensureConfiguredAdmin, openAdapters } from './composition.js'
import type { Config } from './config/read-config.js'
import { trustedProxies } from './config/trusted-proxies.js'
import { drainBeforeClose } from './graceful-close.js'
import { knownMethods } from './http/known-methods.js'
import { AccessLog } from './http/log/access-log.js'
import { loggerOptions } from './http/log/logger-options.js'
import { identifyRequests, requestIdHeader } from './http/log/request-id.js'
import { httpPlugin } from './http/plugin.js'
import { errorsUrlOf, sendClientError, sendNotFound, sendProblem } from './http/problem.js'
import { listenForMetrics } from './http/routes/metrics.js'
import type { Overrides } from './overrides.js'

/**
 * Builds the stand-alone service. Call `listen` to serve it; with `METRICS_PORT` the metrics are served at once. `close`
 * finishes the running requests and closes the database. Throws an error that says what to do if the database cannot be
 * used.
 *
 * @example
 * ```ts
 * import { buildApp, loadConfig } from 'latchkey'
 *
 * const app = await buildApp(loadConfig({ PORT: '0', COOKIE_SECURE: 'false', LOG_LEVEL: 'warn' }))
 * console.log(await app.listen()) // http://…
 * await app.close()
 * ```
 */
export async function buildApp(config: Config, overrides: Overrides = {}): Promise<FastifyInstance> {
  const errorsUrl = errorsUrlOf(config.issuer)
  const app = Fastify({
    logger: overrides.logger ?? loggerOptions(config.logLevel),
    trustProxy: trustedProxies(config.trustProxy),
    // No request needs more. Slow clients are cut off; on close, running requests finish first.
    bodyLimit: 64 * 1024,
    requestTimeout: 10_000,
    connectionTimeout: 30_000,
    http: { connectionsCheckingInterval: 2000 },
    forceCloseConnections: 'idle',
    // Fastify's 503 of a closing app has no Retry-After, and requests that still arrive can be served.
    return503OnClosing: false,
    logController: new AccessLog(),
    clientErrorHandler: (error, socket) => sendClientError(error, socket, errorsUrl),
    // No hook runs before these.
    frameworkErrors: (error, request, reply) =>
      void sendProblem(request, reply.header(requestIdHeader, request.id), error, errorsUrl)
  })
  const { ports, close } = await openAdapters(config, overrides, app.log)
  identifyRequests(app, ports.entropy)
  if (overrides.drainMilliseconds !== undefined) drainBeforeClose(app, overrides.drainMilliseconds)
  app.addHook('onClose', close)

  try {
    await ensureConfiguredAdmin(config, ports, (warning) => app.log.warn(warning))
    if (!config.passwordLogin) app.log.warn(nobodySignsIn)
    const methodsOf = knownMethods(app)
    app.setErrorHandler((error, request, reply) => sendProblem(request, reply, error, errorsUrl))
    app.setNotFoundHandler((request, reply) => sendNotFound(request, reply, methodsOf(request), errorsUrl))
    await app.register(helmet, helmetOptions(config))
    await app.register(httpPlugin, { ports, settings: config })
    listenForMetrics(app, ports, config)
    await app.ready()
    return app
  } catch (error) {
    await app.close()
    throw error
  }
}

const nobodySignsIn =
  'PASSWORD_LOGIN is off, and the stand-alone service has no other way to sign in, so nobody can. Sessions go on until they end. Set PASSWORD_LOGIN=on, or add Latchkey to your app as a plugin and sign people in by startSession.'

/** Pages cannot be framed, types are not sniffed, and scripts and styles come from this origin alone. */
function helmetOptions(config: Config) {
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        imgSrc: ["'self'", 'data:'],
        objectSrc: ["'none'"]
      }
    },
    hsts: config.cookieSecure ? { maxAge: 31_536_000, includeSubDomains: true } : false,
    frameguard: { action: 'deny' as const },
    referrerPolicy: { policy: 'no-referrer' as const },
    crossOriginResourcePolicy: { policy: 'same-origin' as const }
  }
}
