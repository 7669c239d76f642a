// Runs in a process of its own: it replaces the process' setTimeout.
import { mock } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import Fastify, { type FastifyInstance, type FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import t, { type Test } from 'tap'
import { openAdapters } from '../../src/composition.js'
import { pluginThatOpens } from '../../src/plugin.js'
import { openTestDatabase } from '../support/database.js'
import { testOptions } from '../support/host.js'

const database = await openTestDatabase(t, { kind: 'embedded' })

/** Opens the adapters an hour later, by the app's timers. Counts how many are open. */
function slowOpening() {
  let isDone = false
  let open = 0
  const plugin = pluginThatOpens(async (config, overrides, log) => {
    // The app goes on with what does not wait for this.
    for (let i = 0; i < 10; i += 1) await turn()
    mock.timers.tick(3_600_000)
    mock.timers.reset()
    const adapters = await openAdapters(config, { ...overrides, database }, log)
    isDone = true
    open += 1
    return {
      ...adapters,
      close: async () => {
        open -= 1
        await adapters.close()
      }
    }
  })
  return { plugin, isDone: () => isDone, open: () => open }
}

/** An app whose timers stand still until the adapters open. */
function patientApp(t: Test): FastifyInstance {
  mock.timers.enable({ apis: ['setTimeout'] })
  const app = Fastify()
  t.teardown(async () => {
    mock.timers.reset()
    await app.close()
  })
  return app
}

const readers: FastifyPluginAsync = async (scope) => {
  scope.get('/own', { preHandler: scope.latchkey.authenticate }, async () => 'own')
}

const starts: Readonly<Record<string, (app: FastifyInstance) => unknown>> = {
  'await app.ready()': (app) => app.ready(),
  'await app.listen()': (app) => app.listen({ port: 0, host: '127.0.0.1' }),
  'a first request by inject': (app) => app.inject('/healthz')
}

t.test('awaiting the registration waits for a database that opens after pluginTimeout', async (t) => {
  const app = patientApp(t)
  const { plugin, isDone } = slowOpening()
  await app.register(plugin, testOptions)
  t.ok(isDone())
  await app.register(readers)
  t.equal((await app.inject('/own')).json().code, 'missing_credentials')
})

for (const [name, start] of Object.entries(starts)) {
  t.test(`${name} waits for a database that opens after pluginTimeout`, async (t) => {
    const app = patientApp(t)
    const { plugin, isDone } = slowOpening()
    void app.register(plugin, testOptions)
    void app.register(readers)
    await start(app)
    t.ok(isDone())
    t.equal((await app.inject('/own')).json().code, 'missing_credentials')
  })
}

t.test('a plugin of the host that does not await the registration may take as long', async (t) => {
  const app = patientApp(t)
  const { plugin } = slowOpening()
  const own: FastifyPluginAsync = async (scope) => {
    void scope.register(plugin, testOptions)
    void scope.register(readers)
  }
  await app.register(own)
  t.equal((await app.inject('/own')).json().code, 'missing_credentials')
})

t.test('a database that does not open fails the registration with its error', async (t) => {
  for (const start of [(app: FastifyInstance) => app, ...Object.values(starts)]) {
    const app = Fastify()
    t.teardown(() => app.close())
    const failing = pluginThatOpens(async () => {
      for (let i = 0; i < 10; i += 1) await turn()
      throw new Error('no database here')
    })
    void app.register(failing, testOptions)
    await t.rejects(async () => start(app), { message: 'no database here' })
  }
})

t.test('a failed registration leaves no rejection unhandled, also where nobody waits for it', async (t) => {
  const unhandled: unknown[] = []
  const listener = (error: unknown) => void unhandled.push(error)
  process.on('unhandledRejection', listener)
  t.teardown(() => process.off('unhandledRejection', listener))
  const app = Fastify()
  void app.register(
    pluginThatOpens(async () => Promise.reject(new Error('no database here'))),
    testOptions
  )
  await app.close()
  for (let i = 0; i < 10; i += 1) await turn()
  t.strictSame(unhandled, [])
})

t.test('what was opened is closed once, also if a later plugin fails', async (t) => {
  const app = patientApp(t)
  const { plugin, open } = slowOpening()
  void app.register(plugin, testOptions)
  const failing: FastifyPluginAsync = async () => Promise.reject(new Error('of the host'))
  void app.register(failing)
  await t.rejects(async () => app.ready(), { message: 'of the host' })
  t.equal(open(), 1)
  await app.close()
  t.equal(open(), 0)
})

t.test('the plugin is known as latchkey, to hasPlugin and to the plugins that depend on it', async (t) => {
  const app = patientApp(t)
  await app.register(slowOpening().plugin, testOptions)
  t.ok(app.hasPlugin('latchkey'))
  await app.register(fp(readers, { name: 'readers', dependencies: ['latchkey'] }))
  t.ok(app.hasPlugin('readers'))

  const without = Fastify()
  t.teardown(() => without.close())
  await t.rejects(
    async () => without.register(fp(readers, { name: 'readers', dependencies: ['latchkey'] })),
    /'latchkey' of plugin 'readers' is not registered/
  )
})

t.test('a Fastify of another major version is refused by the name of the plugin', async (t) => {
  const app = patientApp(t)
  Object.defineProperty(app, 'version', { value: '4.29.0' })
  await t.rejects(async () => app.register(slowOpening().plugin, testOptions), {
    code: 'FST_ERR_PLUGIN_VERSION_MISMATCH',
    message: /latchkey - expected '5\.x' fastify version, '4\.29\.0' is installed/
  })
})
