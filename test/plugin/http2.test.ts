import { connect, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from 'node:http2'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { httpPlugin } from '../../src/http/plugin.js'
import { openTestDatabase } from '../support/database.js'
import { openPluginOptions } from '../support/host.js'
import { newEmail } from '../support/http/people.js'
import { asGateway, serviceSettings } from '../support/http/services.js'
import { goodPassword } from '../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const serviceCredentials = [serviceSettings.SERVICE_CREDENTIALS]
const options = await openPluginOptions(t, database, { serviceCredentials, cookieSecure: false })

interface Answer {
  readonly headers: IncomingHttpHeaders & IncomingHttpStatusHeader
  readonly body: string
}

/** A client of a host that speaks HTTP/2 without TLS. */
async function http2Client(t: Test) {
  const app = Fastify({ http2: true })
  await app.register(httpPlugin as never, { ...options, prefix: '/auth' } as never)
  await (app as unknown as FastifyInstance).listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as { port: number }
  const session = connect(`http://127.0.0.1:${port}`)
  t.teardown(async () => {
    session.destroy()
    await app.close()
  })
  return (
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body?: string,
    until?: string
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ':path': path, ':method': body === undefined ? 'GET' : 'POST', ...headers })
      let received: Answer['headers'] = {}
      let text = ''
      stream.on('response', (headers) => {
        received = headers
      })
      stream.setEncoding('utf8')
      stream.on('data', (chunk: string) => {
        text += chunk
        if (until !== undefined && text.includes(until)) stream.close()
      })
      stream.on('error', reject)
      stream.on('close', () => resolve({ headers: received, body: text }))
      // Without a content-length, as HTTP/2 allows.
      stream.end(body)
    })
}

t.test('over HTTP/2 a person registers, is known, and refreshes by the cookie', async (t) => {
  const send = await http2Client(t)
  const json = { 'content-type': 'application/json' }
  const account = JSON.stringify({ email: newEmail(), password: goodPassword })
  const registered = await send('/auth/register', json, account)
  t.equal(registered.headers[':status'], 201)
  const authorization = `Bearer ${JSON.parse(registered.body).access_token}`
  t.equal((await send('/auth/me', { authorization })).headers[':status'], 200)
  const cookie = String(registered.headers['set-cookie']?.[0]).split(';')[0] ?? ''
  t.equal((await send('/auth/refresh', { cookie }, '')).headers[':status'], 200)
  t.equal((await send('/auth/refresh', { cookie, ...json }, '')).headers[':status'], 200, 'an empty body is no body')
  const refused = await send('/auth/me')
  t.match(refused.headers, { ':status': 401, 'www-authenticate': 'Bearer' })
  t.match(JSON.parse(refused.body), { code: 'missing_credentials' })
})

t.test('over HTTP/2 the feed of revocations begins', async (t) => {
  const send = await http2Client(t)
  const feed = await send('/auth/revocations', asGateway, undefined, 'event: ready')
  t.equal(feed.headers[':status'], 200)
  t.match(feed.body, 'event: ready')
})
