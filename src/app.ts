import helmet from '@fastify/helmet'
import Fastify, { type FastifyInstance } from 'fastify'
import { ensureConfiguredAdmin, type Overrides, openAdapters } from './composition.js'
import type { Config } from './config/read-config.js'
import { drainBeforeClose } from './graceful-close.js'
import { knownMethods } from './http/known-methods.js'
import { loggerOptions } from './http/logger-options.js'
import { httpPlugin } from './http/plugin.js'
import { sendClientError, sendNotFound, sendProblem } from './http/problem.js'

const errorsUrl = '/docs/errors.md'

/** The service: listening is the caller's, and closing the app closes everything it stands on. */
export async function buildApp(config: Config, overrides: Overrides = {}): Promise<FastifyInstance> {
  const app = Fastify({
    logger: overrides.logger ?? loggerOptions(config.logLevel),
    trustProxy: config.trustProxy.length > 0 ? [...config.trustProxy] : false,
    // No request needs more; a slow or endless one is ended, and those being served are answered first.
    bodyLimit: 64 * 1024,
    requestTimeout: 10_000,
    connectionTimeout: 30_000,
    http: { connectionsCheckingInterval: 2000 },
    forceCloseConnections: 'idle',
    // Fastify's own 503 for a closing app has no Retry-After, and what still arrives can be served.
    return503OnClosing: false,
    clientErrorHandler: sendClientError,
    frameworkErrors: (error, request, reply) => void sendProblem(request, reply, error, errorsUrl)
  })
  const { ports, close } = await openAdapters(config, overrides, app.log)
  const { drainMilliseconds } = overrides
  if (drainMilliseconds !== undefined) drainBeforeClose(app, drainMilliseconds)
  app.addHook('onClose', close)

  try {
    await ensureConfiguredAdmin(config, ports)
    const methodsOf = knownMethods(app)
    app.setErrorHandler((error, request, reply) => sendProblem(request, reply, error, errorsUrl))
    app.setNotFoundHandler((request, reply) => sendNotFound(request, reply, methodsOf(request), errorsUrl))
    await app.register(helmet, helmetOptions(config))
    await app.register(httpPlugin, { ports, settings: config })
    await app.ready()
    return app
  } catch (error) {
    await app.close()
    throw error
  }
}

/** Nothing that we serve is framed, sniffed or run from elsewhere. */
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
