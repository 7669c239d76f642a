import type { FastifyInstance, FastifyPluginAsync, RegisterOptions } from 'fastify'
import fp from 'fastify-plugin'
import { type Adapters, ensureConfiguredAdmin, openAdapters } from './composition.js'
import { type Config, ConfigError, createConfig, notAnOption, type SettingOptions } from './config/read-config.js'
import { settings } from './config/schema.js'
import { type HookOptions, readHooks } from './core/hooks.js'
import type { HostPlugin } from './core/request-auth.js'
import { registerWhenReady } from './http/host/slow-start.js'
import { httpPlugin, requireFreeName } from './http/plugin.js'
import { listenForMetrics } from './http/routes/metrics.js'
import type { ClaimsFunction } from './ports/added-claims.js'
import type { Mailer } from './ports/mail.js'

/** Settings that belong to the host: it listens and logs. `logLevel` is Fastify's own option of `register`. */
const hostsOwn = ['port', 'trustProxy', 'logLevel', 'shutdownDelaySeconds'] as const satisfies (keyof SettingOptions)[]

/**
 * The settings of docs/configuration.md, by name and as values; without those that belong to the host. `host` is the
 * address for `metricsPort`. Environment variables are not read.
 */
export interface LatchkeyOptions
  extends Omit<SettingOptions, (typeof hostsOwn)[number] | 'issuer'>,
    Pick<RegisterOptions, 'logLevel' | 'logSerializers'>,
    HookOptions {
  /**
   * The address at which clients reach the routes: that of the app, and the path of `prefix` unless a proxy changes it.
   * Required, because a plugin does not know at which address its app is reached.
   */
  readonly issuer: string | undefined
  /** The path of all routes, such as `/auth`, with or without slashes around it; the root by default. */
  readonly prefix?: string
  /**
   * Sends mails in place of `mailUrl`: resolves once the mail was accepted. A mail whose sending fails is tried again for
   * a day, unless the error is a `MailRefused`. Without both, `nodeEnv: 'development'` prints mails into the log.
   */
  readonly mailer?: Mailer
  /**
   * Adds claims to access tokens. It is called for each one: at logins and at every refresh, before anything is written.
   * If it throws, takes more than 2 s, or returns what cannot be claims, the request is answered 503, and nothing has
   * changed. At most 2 KiB of JSON, and no name of Latchkey's own claims. docs/plugin.md has more.
   */
  readonly claims?: ClaimsFunction
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
    async (app: FastifyInstance, options: LatchkeyOptions) => {
      const warn = (warning: string) => app.log.warn(withOptionNames(warning))
      const {
        prefix = '',
        mailer,
        claims,
        onUserCreated,
        onUserDeleted,
        onSessionEnded,
        logLevel,
        logSerializers,
        ...own
      } = options
      const { hooks, faults: ofHooks } = readHooks({ onUserCreated, onUserDeleted, onSessionEnded })
      const notFunctions = Object.entries({ mailer, claims }).filter(
        ([, given]) => given !== undefined && !isFunction(given)
      )
      const faults = [...ofHooks, ...notFunctions.map(([name]) => `${name} must be a function.`)]
      const config = configOf(own, prefix, warn, { hasMailer: mailer !== undefined, faults })
      const log = { ...(logLevel && { logLevel }), ...(logSerializers && { logSerializers }) }
      requireFreeName(app)
      const printMail = options.nodeEnv !== undefined
      const opening = open(config, { mailer, claims, hooks, printMail }, app.log).catch((error) =>
        Promise.reject(namingOptions(error))
      )
      app.addHook('onClose', async () => (await opening.catch(() => undefined))?.close())
      const routes = opening.then(async ({ ports, hooks }): Promise<FastifyPluginAsync> => {
        await ensureConfiguredAdmin(config, ports, warn).catch((error) => Promise.reject(namingOptions(error)))
        return async (host) => {
          await host.register(httpPlugin, { ports, settings: config, prefix, ...log })
          listenForMetrics(host, ports, config)
          deliverWhileReady(host, hooks)
        }
      })
      registerWhenReady(app, routes)
    },
    { name: 'latchkey', fastify: '5.x' }
  )
}

const isFunction = (value: unknown) => typeof value === 'function'

/** The hooks may need what the host opens before it is ready and closes at its end. */
function deliverWhileReady(host: FastifyInstance, hooks: Adapters['hooks']): void {
  host.addHook('onReady', async () => hooks.start())
  host.addHook('preClose', hooks.close)
}

const optionNames = [
  ...settings.map(({ key }) => key).filter((key) => !hostsOwn.some((name) => name === key)),
  'prefix',
  'mailer',
  'claims',
  'onUserCreated',
  'onUserDeleted',
  'onSessionEnded'
]

/** The settings, checked. Throws one ConfigError with all mistakes in the options. */
function configOf(
  options: SettingOptions,
  prefix: unknown,
  warn: (warning: string) => void,
  { faults: ofFunctions, ...given }: { readonly hasMailer: boolean; readonly faults: readonly string[] }
): Config {
  const names = Object.keys(options) as (keyof SettingOptions)[]
  const unknown = names.filter((name) => options[name] !== undefined && !optionNames.includes(name))
  const known = Object.fromEntries(Object.entries(options).filter(([name]) => optionNames.includes(name)))
  const { config, faults } = tryConfig(known, warn, given)
  const problems = [
    ...(options.issuer === undefined ? [issuerIsRequired] : []),
    ...faults.map(withOptionNames),
    ...ofFunctions,
    ...(typeof prefix === 'string' ? [] : ['prefix must be a path, such as /auth.']),
    ...unknown.map(notOurOption)
  ]
  if (config === undefined || problems.length > 0) throw new ConfigError(problems)
  return config
}

const issuerIsRequired =
  'issuer is required: the address at which clients reach the routes, with the prefix, such as http://localhost:3000/auth.'

function tryConfig(options: SettingOptions, warn: (warning: string) => void, given: { readonly hasMailer: boolean }) {
  try {
    return { config: createConfig(options, warn, given), faults: [] }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { config: undefined, faults: error.problems }
  }
}

function notOurOption(name: string): string {
  return hostsOwn.some((own) => own === name)
    ? `${name} is not an option of the plugin: it is a matter of your own app.`
    : notAnOption(name, optionNames)
}

function namingOptions(error: unknown): unknown {
  return error instanceof ConfigError ? new ConfigError(error.problems.map(withOptionNames)) : error
}

/** Messages name settings by their environment variables. Replaces these by the names of the options. */
function withOptionNames(message: string): string {
  return message.replace(/\b[A-Z][A-Z_]+\b/g, (name) => settings.find(({ variable }) => variable === name)?.key ?? name)
}
