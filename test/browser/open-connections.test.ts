import { PassThrough } from 'node:stream'
import websocket from '@fastify/websocket'
import Fastify from 'fastify'
import type { Browser } from 'playwright-core'
import t from 'tap'
import latchkey from '../../src/plugin.js'
import { fileTimeoutMilliseconds, openBrowser, openProfile } from '../support/browser/chromium.js'
import { clientSays, loadClient } from '../support/browser/client-in-page.js'
import { openOtherSite } from '../support/browser/other-site.js'
import { serverUrl } from '../support/database.js'
import { newEmail } from '../support/http/people.js'
import { latchkey as commandLine, freshDatabase } from '../support/processes/process.js'
import { freePort } from '../support/processes/readme.js'
import { goodPassword, testEnvironment } from '../support/service.js'

t.setTimeout(fileTimeoutMilliseconds)
const browser = serverUrl === undefined ? undefined : await openBrowser(t)
if (browser !== undefined) await testConnections(browser)
else t.pass('open connections in a browser', { skip: 'TEST_DATABASE_URL or Chromium is missing' })

/** A host whose sessions another process ends: the command line, on the same PostgreSQL server. */
async function testConnections(browser: Browser): Promise<void> {
  const database = await freshDatabase(t, 'server')
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(websocket)
  await app.register(latchkey, {
    issuer: origin,
    rootSecret: testEnvironment.ROOT_SECRET,
    databaseUrl: database.DATABASE_URL,
    dataDir: database.DATA_DIR,
    bcryptCost: 4,
    rateLimitEnabled: false
  })
  const { authenticate, whileSignedIn } = app.latchkey

  app.get('/', async (_request, reply) => reply.type('text/html').send('<!doctype html><title>Connections</title>'))
  app.get('/socket', { websocket: true }, (socket) => {
    socket.once('message', (first: unknown) => {
      const { auth, stop } = whileSignedIn(String(first), { onEnd: (reason) => socket.close(4401, reason) })
      socket.on('close', stop)
      auth.then((user) => user && socket.send('open')).catch(t.threw)
    })
  })
  app.get('/cookie-socket', { websocket: true, preHandler: authenticate }, (socket, request) => {
    const { stop } = whileSignedIn(request, { onEnd: (reason) => socket.close(4401, reason) })
    socket.on('close', stop)
    socket.send('open')
  })
  app.get('/events', { preHandler: authenticate }, async (request, reply) => {
    const events = new PassThrough()
    const { stop } = whileSignedIn(request, { onEnd: (reason) => events.end(`event: end\ndata: ${reason}\n\n`) })
    events.on('close', stop)
    events.write('retry: 50\ndata: open\n\n')
    return reply.type('text/event-stream').send(events)
  })
  await app.listen({ host: '127.0.0.1', port })

  const inAnotherProcess = async (...words: string[]) => {
    const { code, stderr } = await commandLine(words, { ...database, ROOT_SECRET: testEnvironment.ROOT_SECRET })
    if (code !== 0) throw new Error(stderr)
  }

  /** A page of a new user. `seen` there has what its connections have received, and why they have closed. */
  async function openPage(mode: 'cookie' | 'session') {
    const profile = await openProfile(t, browser)
    const page = await profile.newPage()
    await page.goto(origin)
    await loadClient(page, { mode })
    const email = newEmail()
    await clientSays(page, `await client.register(${JSON.stringify({ email, password: goodPassword })})`)
    const { sessionId } = (await page.evaluate('client.state')) as { sessionId: string }
    await page.evaluate('globalThis.seen = {}')
    const sees = (name: string, what: string) => page.waitForFunction(`seen.${name} === '${what}'`)
    return { profile, page, email, sessionId, sees }
  }

  const openSocket = `(async () => {
    const socket = new WebSocket('ws://' + location.host + '/socket')
    socket.onopen = async () => socket.send(await client.getAccessToken())
    socket.onmessage = ({ data }) => { seen.socket = data }
    socket.onclose = ({ code, reason }) => { seen.socket = code + ' ' + reason }
  })()`
  // EventSource cannot send the access token, so the page reads the stream by fetch.
  const readEvents = `void (async () => {
    const { body } = await client.fetch('/events')
    const reader = body.pipeThrough(new TextDecoderStream()).getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      seen.events = /data: (.*)/.exec(value)[1]
    }
    seen.stream = 'closed'
  })()`

  t.test('a socket and a stream close when another process ends the session, and the client knows why', async (t) => {
    const { page, sessionId, sees } = await openPage('cookie')
    await page.evaluate(openSocket)
    await page.evaluate(readEvents)
    await Promise.all([sees('socket', 'open'), sees('events', 'open')])
    const token = await page.evaluate('client.getAccessToken()')

    await inAnotherProcess('session', 'revoke', sessionId)
    await Promise.all([
      sees('socket', '4401 revoked_by_admin'),
      sees('events', 'revoked_by_admin'),
      sees('stream', 'closed')
    ])
    t.match(await clientSays(page, `await client.getAccessToken('${token}')`), {
      value: undefined,
      state: { status: 'signed_out', reason: 'revoked_by_admin' }
    })
  })

  t.test('after a change of roles in another process the page refreshes, and connects again', async (t) => {
    const { page, email, sees } = await openPage('cookie')
    await page.evaluate(openSocket)
    await page.evaluate(readEvents)
    await Promise.all([sees('socket', 'open'), sees('events', 'open')])
    const token = await page.evaluate('client.getAccessToken()')

    await inAnotherProcess('user', 'set-roles', email, 'editor')
    await Promise.all([sees('socket', '4401 roles_changed'), sees('stream', 'closed')])
    const newer = await page.evaluate(`client.getAccessToken('${token}')`)
    t.type(newer, 'string')
    t.not(newer, token)
    await page.evaluate(openSocket)
    await page.evaluate(readEvents)
    await Promise.all([sees('socket', 'open'), sees('events', 'open')])
  })

  t.test('with the cookie of session mode, EventSource and a guarded socket close too', async (t) => {
    const { page, sessionId, sees } = await openPage('session')
    await page.evaluate(`(() => {
      const socket = new WebSocket('ws://' + location.host + '/cookie-socket')
      socket.onmessage = ({ data }) => { seen.socket = data }
      socket.onclose = ({ code, reason }) => { seen.socket = code + ' ' + reason }
      const events = new EventSource('/events')
      events.onmessage = ({ data }) => { seen.events = data }
      events.addEventListener('end', ({ data }) => { seen.events = data })
      events.onerror = () => { if (events.readyState === EventSource.CLOSED) seen.source = 'closed' }
    })()`)
    await Promise.all([sees('socket', 'open'), sees('events', 'open')])

    await inAnotherProcess('session', 'revoke', sessionId)
    await Promise.all([sees('socket', '4401 revoked_by_admin'), sees('events', 'revoked_by_admin')])
    // EventSource connects again by itself, and gives up at the 401.
    await sees('source', 'closed')
    t.match(await clientSays(page, 'await client.refresh()'), { state: { status: 'signed_out' } })
  })

  t.test("another origin's page opens no socket with the session cookie, although the browser sends it", async (t) => {
    const { profile, page } = await openPage('session')
    const answers: [cookie: boolean, origin: string | undefined][] = []
    app.server.on('upgrade', ({ headers }) => {
      answers.push([headers.cookie !== undefined, headers.origin])
    })
    const opens = (address: string) => `new Promise((resolve) => {
      const socket = new WebSocket('${address}')
      socket.onopen = () => resolve('open')
      socket.onclose = () => resolve('refused')
    })`
    const address = `ws://localhost:${port}/cookie-socket`
    t.equal(await page.evaluate(opens(address)), 'open')
    const foreign = `http://localhost:${await openOtherSite(t)}`
    const stranger = await profile.newPage()
    await stranger.goto(foreign)
    t.equal(await stranger.evaluate(opens(address)), 'refused')
    // A page on another port is of the same site, so the browser sends SameSite=Strict cookies.
    t.strictSame(answers, [
      [true, origin],
      [true, foreign]
    ])
  })
}
