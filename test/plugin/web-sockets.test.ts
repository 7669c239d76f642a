import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { request } from 'node:http'
import { pathToFileURL } from 'node:url'
import websocket from '@fastify/websocket'
import { transform } from 'esbuild'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { httpPlugin } from '../../src/http/plugin.js'
import { openTestDatabase } from '../support/database.js'
import { newHost, openPluginOptions } from '../support/host.js'
import { newPerson, sessionCookie } from '../support/http/people.js'
import { shiftableClock } from '../support/http/shiftable-clock.js'
import { claimsOf, signedAgain } from '../support/http/signed-again.js'
import { blocksOf, blockWith, moduleOf } from '../support/processes/readme.js'
import { waitUntil } from '../support/verifier/verifiers.js'

const database = await openTestDatabase(t, { kind: 'embedded' })

const host = 'auth.test'
const foreignOrigin = 'https://evil.test'

type Headers = Readonly<Record<string, string>>

/** A host with sockets: `/guarded` and `/optional` are guarded, `/open` is not. */
async function openSockets(t: Test) {
  const options = await openPluginOptions(t, database, {
    rateLimitEnabled: false,
    allowedOrigins: ['https://app.test']
  })
  const app = newHost(t)
  await app.register(websocket)
  await app.register(httpPlugin, options)
  const { authenticate, authenticateOptional } = app.latchkey
  app.get('/guarded', { websocket: true, preHandler: authenticate }, () => undefined)
  app.get('/optional', { websocket: true, preHandler: authenticateOptional }, () => undefined)
  app.get('/open', { websocket: true }, () => undefined)
  const address = await app.listen({ port: 0 })
  return { app, open: (path: string, headers: Headers) => handshake(address + path, headers) }
}

/** Sends the handshake of a WebSocket (RFC 6455 §4.1), and resolves with the status of the answer. */
function handshake(address: string, headers: Headers): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const key = randomBytes(16).toString('base64')
    const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' }
    const asked = request(address, {
      agent: false,
      headers: { ...upgrade, 'sec-websocket-key': key, host, ...headers }
    })
    asked.on('upgrade', ({ statusCode }, socket) => {
      socket.destroy()
      resolve(statusCode)
    })
    asked.on('response', (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    asked.on('error', reject).end()
  })
}

const own: readonly Headers[] = [
  {},
  { origin: `http://${host}` },
  { origin: `https://${host}` },
  { origin: `https://${host}`, 'sec-fetch-site': 'same-origin' },
  { origin: 'https://app.test' }
]

const foreign: readonly Headers[] = [
  { origin: foreignOrigin },
  { origin: 'null' },
  { origin: `http://${host}:8080` },
  { origin: `https://sibling.${host}`, 'sec-fetch-site': 'same-site' },
  { origin: foreignOrigin, upgrade: 'WebSocket' }
]

t.test('the session cookie opens a socket for our own pages and for programs, and for no other site', async (t) => {
  const { app, open } = await openSockets(t)
  const { client } = await newPerson(app, 'session')
  const cookie = `${sessionCookie}=${client.cookies.get(sessionCookie)}`
  for (const path of ['/guarded', '/optional']) {
    for (const headers of own) t.equal(await open(path, { cookie, ...headers }), 101, JSON.stringify(headers))
    for (const headers of foreign) t.equal(await open(path, { cookie, ...headers }), 403, JSON.stringify(headers))
  }
  t.equal(await open('/guarded', {}), 401)
})

t.test('a socket without the session cookie opens from any origin', async (t) => {
  const { app, open } = await openSockets(t)
  const { client } = await newPerson(app, 'body')
  const authorization = `Bearer ${client.accessToken}`
  t.equal(await open('/guarded', { authorization, origin: foreignOrigin }), 101)
  t.equal(await open('/optional', { origin: foreignOrigin }), 101)
  t.equal(await open('/open', { cookie: 'theme=dark', origin: foreignOrigin }), 101)
})

class FakeSocket extends EventEmitter {
  readonly closed: unknown[][] = []
  close(...how: unknown[]): void {
    this.closed.push(how)
  }
}

type OnSocket = (socket: EventEmitter) => void

/** `onSocket` of docs/plugin.md, for this app. */
async function socketOfThePage(t: Test, app: FastifyInstance): Promise<OnSocket> {
  const block = blockWith(await blocksOf('docs/plugin.md', 0), 'function onSocket')
  const { code } = await transform(block.code, { loader: 'ts' })
  const file = await moduleOf(t, `export default (app) => {\n${code}\nreturn onSocket\n}\n`)
  const { default: made }: { default: (app: FastifyInstance) => OnSocket } = await import(pathToFileURL(file).href)
  return made(app)
}

t.test('the socket of docs/plugin.md misses no token that comes right after the first', async (t) => {
  const clock = shiftableClock()
  const { ports, settings } = await openPluginOptions(t, database, {}, { clock })
  const app = newHost(t)
  await app.register(httpPlugin, { ports, settings })
  const onSocket = await socketOfThePage(t, app)
  const { client } = await newPerson(app, 'body')
  const first = client.accessToken
  const longer = await signedAgain(ports, first, { exp: claimsOf(first).exp + 600 })

  const [renewed, expiring] = [new FakeSocket(), new FakeSocket()]
  for (const socket of [renewed, expiring]) onSocket(socket)
  renewed.emit('message', Buffer.from(first))
  renewed.emit('message', Buffer.from(longer))
  expiring.emit('message', Buffer.from(first))
  clock.shiftSeconds = 601
  await waitUntil(() => expiring.closed.length > 0)
  t.strictSame(expiring.closed, [[4401, 'token_expired']])
  t.strictSame(renewed.closed, [])

  await app.latchkey.sessions.endSession(client.sessionId)
  await waitUntil(() => renewed.closed.length > 0)
  t.strictSame(renewed.closed, [[4401, 'revoked_by_admin']])
})
