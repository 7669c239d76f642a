import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import type { Database } from '../../src/adapters/prisma/database.js'
import { openAdapters } from '../../src/composition.js'
import { createConfig, type SettingOptions } from '../../src/config/read-config.js'
import type { PluginOptions } from '../../src/http/plugin.js'

/** Options for tests of the plugin: as in a host, but with cheap password hashes. */
export const testOptions = {
  rootSecrets: ['a root secret for tests of more than 32 bytes'],
  issuer: 'https://auth.test',
  bcryptCost: 4
} satisfies SettingOptions

/** The ports and settings for `httpPlugin` on `database`; closed when `t` ends. */
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

/** A host app, closed when `t` ends. */
export function newHost(t: Test, options: FastifyServerOptions = {}): FastifyInstance {
  // On a machine that runs other tests, opening a database can take longer than Fastify's 10 s.
  const app = Fastify({ pluginTimeout: 60_000, ...options })
  t.teardown(() => app.close())
  return app
}
