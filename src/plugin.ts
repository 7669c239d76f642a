import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import { ensureConfiguredAdmin, openAdapters } from './composition.js'
import { ConfigError, createConfig, type SettingOptions } from './config/read-config.js'
import { settings } from './config/schema.js'
import type { HostPlugin } from './core/request-auth.js'
import { registerWhenReady } from './http/host/slow-start.js'
import { httpPlugin, requireFreeName } from './http/plugin.js'
import { listenForMetrics } from './http/routes/metrics.js'
import type { Mailer } from './ports/mail.js'

/**
 * The settings of docs/configuration.md, by name and as values; without those that belong to the host. `host` is the
 * address for `metricsPort`. Environment variables are not read.
 */
export interface LatchkeyOptions
  extends Omit<SettingOptions, 'port' | 'trustProxy' | 'logLevel' | 'shutdownDelaySeconds'> {
  /** The path of all routes, such as `/auth`; the root by default. Set `issuer` to the address that includes it. */
  readonly prefix?: string
  /**
   * Sends mails in place of `mailUrl`: resolves once the mail was accepted. A mail whose sending fails is tried again for
   * a day, unless the error is a `MailRefused`. Without both, `nodeEnv: 'development'` prints mails into the log.
   */
  readonly mailer?: Mailer
}

/**
 * Latchkey as a plugin of a Fastify app. Opens the database and adds routes under `prefix`, and `app.latchkey` and
 * `request.auth` to the app. Closing the app closes it. Fails with one `ConfigError` that names every wrong option. The
 * app waits for the database as long as it takes to open: its `pluginTimeout` does not count here.
 *
 * @example
 * ```ts
 * import Fastify from 'fastify'
 * import latchkey from 'latchkey'
 *
 * const app = Fastify()
 * await app.register(latchkey, { prefix: '/auth', issuer: 'http://localhost:3000/auth', cookieSecure: false })
 * app.get('/notes', { preHandler: app.latchkey.authenticate }, async (request) => `notes of ${request.auth.userId}`)
 *
 * const response = await app.inject('/notes')
 * console.log(response.statusCode, response.json().code) // 401 missing_credentials
 * await app.close()
 * ```
 */
const latchkey: HostPlugin<LatchkeyOptions> = pluginThatOpens(openAdapters)

export default latchkey

/**
 * The plugin, with the function that opens its adapters; tests pass one of their own.
 * @internal The package's types leave it out, because it would need Prisma's.
 */
export function pluginThatOpens(open: typeof openAdapters): HostPlugin<LatchkeyOptions> {
  return fp(
    async (app: FastifyInstance, { prefix = '', mailer, ...options }: LatchkeyOptions) => {
      const warn = (warning: string) => app.log.warn(withOptionNames(warning))
      const config = configOf(options, warn)
      requireFreeName(app)
      const opening = open(config, { mailer, printMail: options.nodeEnv !== undefined }, app.log)
      app.addHook('onClose', async () => (await opening.catch(() => undefined))?.close())
      const routes = opening.then(async ({ ports }): Promise<FastifyPluginAsync> => {
        await ensureConfiguredAdmin(config, ports, warn).catch((error) => Promise.reject(namingOptions(error)))
        return async (host) => {
          await host.register(httpPlugin, { ports, settings: config, prefix })
          listenForMetrics(host, { ports, errorsUrl: `${config.issuer}/docs/errors.md` }, config)
        }
      })
      registerWhenReady(app, routes)
    },
    { name: 'latchkey', fastify: '5.x' }
  )
}

function configOf(options: Omit<LatchkeyOptions, 'prefix' | 'mailer'>, warn: (warning: string) => void) {
  try {
    return createConfig(options, warn)
  } catch (error) {
    throw namingOptions(error)
  }
}

function namingOptions(error: unknown): unknown {
  return error instanceof ConfigError ? new ConfigError(error.problems.map(withOptionNames)) : error
}

/** Messages name settings by their environment variables. Replaces these by the names of the options. */
function withOptionNames(message: string): string {
  return message.replace(/\b[A-Z][A-Z_]+\b/g, (name) => settings.find(({ variable }) => variable === name)?.key ?? name)
}
