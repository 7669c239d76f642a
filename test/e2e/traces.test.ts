import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace-base'
import t, { type Test } from 'tap'
import { httpPlugin } from '../../src/http/plugin.js'
import { openTestDatabase } from '../support/database.js'
import { newHost, openPluginOptions } from '../support/host.js'
import { Device } from '../support/processes/device.js'
import { freshDatabase, processTestMilliseconds, startService } from '../support/processes/process.js'
import { moduleOf } from '../support/processes/readme.js'
import { Client, goodPassword } from '../support/service.js'

t.setTimeout(processTestMilliseconds)

/** The `otel.js` of docs/watching.md, changed to export each span at once to `exporter`. */
async function otelModule(t: Test, exporter: string): Promise<string> {
  const page = await readFile(new URL('../../../docs/watching.md', import.meta.url), 'utf8')
  const code = /^```js\n(import FastifyOtel.*?)^```/ms.exec(page)?.[1] ?? ''
  const atOnce = code.replaceAll('BatchSpanProcessor', 'SimpleSpanProcessor')
  return moduleOf(t, atOnce.replace('new ConsoleSpanExporter()', exporter))
}

t.test('in a host the spans name our routes, and hold no secret and no personal data', async (t) => {
  const exporter = new InMemorySpanExporter()
  Object.assign(globalThis, { exporter })
  t.teardown(() => Object.assign(globalThis, { exporter: undefined }))
  await import(pathToFileURL(await otelModule(t, 'globalThis.exporter')).href)

  const app = newHost(t)
  const database = await openTestDatabase(t, { kind: 'embedded' })
  await app.register(httpPlugin, { ...(await openPluginOptions(t, database)), prefix: '/auth' })
  app.get('/reports', { preHandler: app.latchkey.authenticate }, async () => 'for you')
  const email = 'ada.lovelace@example.org'
  const ada = new Client(app)
  const secrets = [email, goodPassword, 'a wrong password of hers']
  await ada.send('POST', '/auth/register', { payload: { email, password: goodPassword } })
  secrets.push(ada.accessToken, ...ada.cookies.values())
  await ada.send('POST', '/auth/refresh')
  secrets.push(ada.accessToken, ...ada.cookies.values())
  await ada.send('GET', '/reports')
  await ada.send('GET', `/auth/admin/users?email=${email}`)
  await ada.send('GET', `/nowhere?token=${ada.accessToken}`)
  await ada.send('GET', `/auth/${ada.accessToken}`)
  secrets.push(ada.deviceCookie?.[1] ?? 'no device token')
  await ada.send('DELETE', `/auth/sessions/${ada.deviceCookie?.[1]}`)
  await ada.send('POST', '/auth/login', { payload: { email, password: 'a wrong password of hers' } })
  await ada.send('POST', '/auth/login', {
    headers: { 'content-type': 'application/json' },
    payload: `{"password":"${goodPassword}",}`
  })
  await ada.send('POST', '/auth/register', { payload: { email: `${email}@`, password: goodPassword } })

  const spans = exporter.getFinishedSpans()
  const requests = spans.filter(({ attributes }) => 'http.request.method' in attributes)
  t.strictSame(
    requests.map(({ name, attributes }) => `${name} ${attributes['http.response.status_code']}`),
    [
      'POST /auth/register 201',
      'POST /auth/refresh 200',
      'GET /reports 200',
      'GET /auth/admin/users 403',
      'GET unknown 404',
      'GET unknown 404',
      'DELETE /auth/sessions/:id 404',
      'POST /auth/login 401',
      'POST /auth/login 400',
      'POST /auth/register 400'
    ]
  )
  const text = spans.map(everythingOf).join('\n')
  t.match(text, /\/auth\/admin\/users/, 'spans hold the path')
  for (const secret of secrets) t.notOk(text.includes(secret), `not ${secret.slice(0, 8)}…`)
  t.notMatch(text, /lk_[rsd]t_|eyJ/, 'no token of any kind')
})

t.test('the stand-alone service is traced by loading the module alone', async (t) => {
  const otel = await otelModule(t, 'new ConsoleSpanExporter()')
  const service = await startService(t, await freshDatabase(t, 'embedded'), { imports: [pathToFileURL(otel).href] })
  const device = new Device(service.url)
  await device.signIn('/register', 'ada@example.com')
  await device.refresh()
  await delay(100)
  const { stdout } = await service.stop()
  for (const name of ['POST /register', 'POST /refresh']) t.match(stdout, `name: '${name}'`)
  for (const secret of [device.accessToken, device.refreshToken, 'ada@example.com']) t.notOk(stdout.includes(secret))
})

/** All parts of a span that an exporter could send. */
function everythingOf({ name, attributes, events, status, links }: ReadableSpan): string {
  return JSON.stringify({ name, attributes, events, status, links })
}
