import { Writable } from 'node:stream'
import Fastify from 'fastify'
import t from 'tap'
import { loggerOptions } from '../../../src/http/log/logger-options.js'

function loggingApp() {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    }
  })
  const app = Fastify({ logger: { ...loggerOptions('info'), stream } })
  app.setNotFoundHandler(async () => 'as in the service, whose log has no line of its own for these')
  return { app, lines }
}

t.test('no credential is logged', async (t) => {
  const { app, lines } = loggingApp()
  app.post('/', async (request, reply) => {
    reply.header('set-cookie', '__Host-refresh_token=hunter2')
    request.log.info({ headers: request.headers, body: request.body }, 'objects')
    request.log.info({ request: { headers: request.headers }, password: 'hunter2', access_token: 'hunter2' }, 'deeper')
    request.log.info({ headers: reply.getHeaders() }, 'answer')
    return {}
  })
  await app.inject({
    method: 'POST',
    url: '/?access_token=hunter2',
    headers: { authorization: 'Bearer hunter2', cookie: '__Host-session=hunter2', 'idempotency-key': 'hunter2' },
    payload: { email: 'ada@example.com', password: 'hunter2', new_password: 'hunter2', refresh_token: 'hunter2' }
  })
  await app.close()

  t.notMatch(lines.join(''), 'hunter2')
  t.match(lines.join(''), 'ada@example.com', 'everything else is logged')
  t.match(lines.join(''), '[redacted]')
})

t.test('a token in a path is not logged, in whatever form', async (t) => {
  const { app, lines } = loggingApp()
  const token = `lk_rt_${'AQcAESIzRFVmd4iZqrvM3e7'.repeat(5)}`
  const encoded = [...token].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join('')
  for (const text of [token, encoded, `x;${token}`, `eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.${'c'.repeat(86)}`]) {
    for (const url of [`/${text}`, `/sessions/${text}`, `/sessions/${text}/x`, `//${text}?a=b`, `/nowhere?x=${text}`]) {
      await app.inject({ url })
    }
  }
  await app.close()
  const log = lines.join('')
  for (const secret of [token.slice(0, 40), encoded.slice(0, 40), 'eyJ']) t.notOk(log.includes(secret), secret)
  t.match(log, '"path":"/sessions/[redacted]/x"')
})

t.test('a request is logged with its method, path and address', async (t) => {
  const { app, lines } = loggingApp()
  await app.inject({ url: '/sessions?limit=1' })
  await app.close()
  t.match(JSON.parse(lines[0] ?? '{}'), { req: { method: 'GET', path: '/sessions', ip: '127.0.0.1' } })
})

t.test('the paths of the service are logged unchanged', async (t) => {
  const { app, lines } = loggingApp()
  const paths = [
    '/admin/users/00000000-0000-4000-8000-000000000000/sessions',
    '/.well-known/oauth-authorization-server',
    '/docs/static/swagger-ui-standalone-preset.js'
  ]
  for (const url of paths) await app.inject({ url })
  await app.close()
  for (const path of paths) t.match(lines.join(''), `"path":"${path}"`)
})

t.test('lines below the level are not written', async (t) => {
  const { app, lines } = loggingApp()
  app.log.debug('detail')
  await app.close()
  t.strictSame(lines, [])
})
