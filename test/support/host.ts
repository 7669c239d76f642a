import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import type { Database } from '../../src/adapters/prisma/database.js'
import { openAdapters } from '../../src/composition.js'
import { createConfig, type SettingOptions } from '../../src/config/read-config.js'
import type { PluginOptions } from '../../src/http/plugin.js'

/** The options under which tests run the plugin: as a host would, but for what would only cost time. */
export const testOptions = {
  rootSecrets: ['a root secret for tests of more than 32 bytes'],
  issuer: 'https://auth.test',
  bcryptCost: 4
} satisfies SettingOptions

/** What `httpPlugin` takes, made real on `database`; closed when `t` ends. */
export async function openPluginOptions(
  t: Test,
  database: Database,
  options: SettingOptions = {}
): Promise<Pick<PluginOptions, 'ports' | 'settings'>> {
  const settings = createConfig({ ...testOptions, ...options })
  const { ports, close } = await openAdapters(settings, { database })
  t.teardown(close)
  return { ports, settings }
}

/** A host's app, closed when `t` ends. */
export function newHost(t: Test, options: FastifyServerOptions = {}): FastifyInstance {
  // A machine that runs other tests as well may need longer than Fastify's 10 s to open a database.
  const app = Fastify({ pluginTimeout: 60_000, ...options })
  t.teardown(() => app.close())
  return app
}
