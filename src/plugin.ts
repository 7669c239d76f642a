import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import { ensureConfiguredAdmin, openAdapters } from './composition.js'
import { ConfigError, createConfig, type SettingOptions } from './config/read-config.js'
import { settings } from './config/schema.js'
import { httpPlugin } from './http/plugin.js'

/** The settings of docs/configuration.md that are not the host's own, by name, as values. The environment is not read. */
export interface LatchkeyOptions extends Omit<SettingOptions, 'host' | 'port' | 'trustProxy' | 'logLevel'> {
  /** Where the routes stand, such as `/auth`; at the root when left out. `issuer` is the address of that place. */
  readonly prefix?: string
}

/**
 * Latchkey inside a host's Fastify app: `app.register(latchkey, { prefix: '/auth' })`. Opens its
 * database, adds its routes under `prefix` and `app.auth`, `app.authenticate`, `app.requireRole` and
 * `request.auth` to the app; closing the app closes it. Fails with one `ConfigError` that names every
 * option that does not fit. A first start unpacks the embedded database: where the machine is slow,
 * raise the app's `pluginTimeout`.
 */
const latchkey: FastifyPluginAsync<LatchkeyOptions> = fp(
  async (app: FastifyInstance, { prefix = '', ...options }: LatchkeyOptions) => {
    const config = configOf(options, (warning) => app.log.warn(warning))
    const { ports, close } = await openAdapters(config, {}, app.log)
    app.addHook('onClose', close)
    await ensureConfiguredAdmin(config, ports)
    await app.register(httpPlugin, { ports, settings: config, prefix })
  },
  { fastify: '5.x' }
)

export default latchkey

function configOf(options: Omit<LatchkeyOptions, 'prefix'>, warn: (warning: string) => void) {
  try {
    return createConfig(options, (warning) => warn(withOptionNames(warning)))
  } catch (error) {
    if (error instanceof ConfigError) throw new ConfigError(error.problems.map(withOptionNames))
    throw error
  }
}

/** Settings go by their variables' names in messages; who passes options knows them by the options'. */
function withOptionNames(message: string): string {
  return message.replace(/\b[A-Z][A-Z_]+\b/g, (name) => settings.find(({ variable }) => variable === name)?.key ?? name)
}
