import { Writable } from 'node:stream'
import Fastify from 'fastify'
import t from 'tap'
import { loggerOptions } from '../../src/http/logger-options.js'

function loggingApp() {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    }
  })
  return { app: Fastify({ logger: { ...loggerOptions('info'), stream } }), lines }
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

t.test('a request is logged with its method, path and address', async (t) => {
  const { app, lines } = loggingApp()
  await app.inject({ url: '/sessions?limit=1' })
  await app.close()
  t.match(JSON.parse(lines[0] ?? '{}'), { req: { method: 'GET', path: '/sessions', ip: '127.0.0.1' } })
})

t.test('lines below the level are not written', async (t) => {
  const { app, lines } = loggingApp()
  app.log.debug('detail')
  await app.close()
  t.strictSame(lines, [])
})
