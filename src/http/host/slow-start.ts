import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'

/**
 * Registers a plugin that is ready later, and lets the app wait for it. Fastify stops a plugin that works for longer than
 * `pluginTimeout`, but it counts no time while it waits for the promise of a plugin, as for that of an `import()`. So a
 * start that takes long, such as the first one of a database, belongs into the promise.
 */
export function registerWhenReady(app: FastifyInstance, plugin: Promise<FastifyPluginAsync>): void {
  // Fastify handles the rejection only when it comes to this plugin. Until then, Node would call it unhandled.
  plugin.catch(() => undefined)
  void app.register(plugin.then((ready) => ({ default: fp(ready, { name: 'latchkey-routes' }) })))
}
