import { createServer } from 'node:net'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { buildApp } from '../../src/app.js'
import { loadConfig } from '../../src/config/read-config.js'
import latchkey from '../../src/index.js'
import { openTestDatabase, testDataFolder } from '../support/database.js'
import { newHost, testOptions } from '../support/host.js'
import { keptLog } from '../support/http/log-lines.js'
import { specificationOf } from '../support/http/specification.js'
import { openService, testEnvironment } from '../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const production = { NODE_ENV: 'production', BCRYPT_COST: '10' }

/** Where a log says that the metrics are. */
const addressIn = ({ text }: ReturnType<typeof keptLog>) =>
  /Latchkey shows metrics at (http:[^"]+)"/.exec(text())?.[1] ?? ''

/** The service with its metrics on a free port, and their address. */
async function withMetricsPort(t: Test, environment = {}) {
  const log = keptLog('info')
  const config = loadConfig({ ...testEnvironment, METRICS_PORT: '0', ...environment })
  const app = await buildApp(config, { database, logger: log.logger })
  t.teardown(() => app.close())
  return { app, address: addressIn(log), log }
}

/** A port of 127.0.0.1 that something else has, until `t` ends. */
async function takenPort(t: Test): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => void server.close())
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function expectNoMetrics(t: Test, app: FastifyInstance, url = '/metrics'): Promise<void> {
  const response = await app.inject(url)
  t.equal(response.statusCode, 404)
  t.notMatch(response.body, 'latchkey_')
}

t.test('in production the public port has no /metrics, and the specification has none', async (t) => {
  const app = await openService(t, database, production)
  await expectNoMetrics(t, app)
  t.notOk('/metrics' in (await specificationOf(app)).paths)
  t.equal((await app.inject('/healthz')).statusCode, 200)
})

t.test('with METRICS_PORT the metrics, and nothing else, are on that port alone', async (t) => {
  for (const environment of [{}, production]) {
    const { app, address, log } = await withMetricsPort(t, environment)
    await expectNoMetrics(t, app)
    t.match(address, /^http:\/\/127\.0\.0\.1:\d+\/metrics$/)

    await app.inject('/healthz')
    const response = await fetch(address)
    t.equal(response.status, 200)
    t.match(response.headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
    t.equal(response.headers.get('cache-control'), 'no-store')
    t.match(await response.text(), 'latchkey_responses_total{status="200"} 1\n')
    t.notMatch(log.text(), /"path":"\/metrics".*"statusCode":200/, 'scrapes are not logged')

    for (const path of ['/', '/healthz', '/me', '/docs', '/openapi.json', '/console', '/metrics/x']) {
      const other = await fetch(new URL(path, address))
      t.equal(other.status, 404, path)
      t.match(await other.json(), { code: 'not_found' })
    }
    t.equal((await fetch(address, { method: 'POST' })).status, 404)
    await app.close()
    await t.rejects(fetch(address), 'closing the app closes the port')
  }
})

t.test('METRICS_PORT listens at the address of HOST', async (t) => {
  const { address } = await withMetricsPort(t, { HOST: '127.0.0.2' })
  t.match(address, /^http:\/\/127\.0\.0\.2:/)
  t.equal((await fetch(address)).status, 200)
})

t.test('if METRICS_PORT is taken, the start fails and names the setting', async (t) => {
  const port = await takenPort(t)
  const config = loadConfig({ ...testEnvironment, METRICS_PORT: String(port) })
  await t.rejects(buildApp(config, { database }), {
    message: `Port ${port} of 127.0.0.1 is taken. Stop the process that listens there, or set METRICS_PORT to another port.`
  })
})

t.test('in a host, metricsPort serves the metrics from the start of the host until it closes', async (t) => {
  const log = keptLog('info')
  const app = newHost(t, { logger: log.logger })
  const dataDir = await testDataFolder(t)
  await app.register(latchkey, { ...testOptions, dataDir, prefix: '/auth', host: '127.0.0.1', metricsPort: 0 })
  t.equal(addressIn(log), '')
  await app.ready()
  await expectNoMetrics(t, app, '/auth/metrics')
  t.match(await (await fetch(addressIn(log))).text(), 'latchkey_feed_connected')
  await app.close()
  await t.rejects(fetch(addressIn(log)))
})

t.test('metricsPort works in a host without a logger, which fails to start if the port is taken', async (t) => {
  const app = newHost(t)
  const metricsPort = await takenPort(t)
  await app.register(latchkey, { ...testOptions, dataDir: await testDataFolder(t), metricsPort })
  await t.rejects(async () => app.ready(), { message: `Port ${metricsPort} of 127.0.0.1 is taken` })
})

t.test('in a host with nodeEnv production the routes have no /metrics', async (t) => {
  const app = newHost(t)
  const dataDir = await testDataFolder(t)
  await app.register(latchkey, { ...testOptions, bcryptCost: 10, dataDir, nodeEnv: 'production' })
  await expectNoMetrics(t, app)
})

t.test('DOCS=off serves neither /docs nor /openapi.json; the explanations of errors stay', async (t) => {
  const app = await openService(t, database, { DOCS: 'off' })
  for (const url of ['/docs', '/docs/', '/docs/json', '/docs/static/index.html', '/openapi.json']) {
    const response = await app.inject(url)
    t.equal(response.statusCode, 404, url)
    t.match(response.json(), { code: 'not_found' })
  }
  t.equal((await app.inject('/docs/errors.md')).statusCode, 200, 'the `type` of every problem points there')
  const metadata = (await app.inject('/.well-known/oauth-authorization-server')).json()
  t.notOk('service_documentation' in metadata)
  t.equal((await app.inject('/me')).json().code, 'missing_credentials', 'routes are validated and guarded as before')
})
