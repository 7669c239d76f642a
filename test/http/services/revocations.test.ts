import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { httpPlugin } from '../../../src/http/plugin.js'
import { openTestDatabase } from '../../support/database.js'
import { newHost, openPluginOptions } from '../../support/host.js'
import { newPerson } from '../../support/http/people.js'
import { asGateway, serviceSettings } from '../../support/http/services.js'
import { openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })

async function listening(t: Test) {
  const app = await openService(t, database, serviceSettings)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { app, url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/revocations` }
}

/** Reads the feed until `isEnough`, or to its end. */
async function readFeed(url: string, isEnough: (text: string) => boolean, headers: Record<string, string> = {}) {
  const enough = new AbortController()
  const response = await fetch(url, { headers: { ...asGateway, ...headers }, signal: enough.signal })
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true })
      if (isEnough(text)) enough.abort()
    }
  } catch (error) {
    if (!enough.signal.aborted) throw error
  }
  return { response, text }
}

const isReady = (text: string) => text.includes('event: ready')
const sidsOf = (text: string) => [...text.matchAll(/"sid":("?)([^",]*)\1/g)].map((match) => match[2])

t.test('GET /revocations is an event stream that is not cached', async (t) => {
  const { url } = await listening(t)
  const { response, text } = await readFeed(url, isReady)
  t.equal(response.headers.get('content-type'), 'text/event-stream')
  t.equal(response.headers.get('cache-control'), 'no-store')
  t.match(text, /^event: keys\ndata: {"kids":\["[^"]+"\]}\n\nevent: ready\ndata: \{\}\n\n$/)
})

t.test('the live entries come first, and a reader resumes after its last one', async (t) => {
  const { app, url } = await listening(t)
  const { client } = await newPerson(app)
  await client.send('POST', '/logout')
  const { text } = await readFeed(url, isReady)
  const event = new RegExp(
    `id: ([A-Za-z0-9_-]+\\.\\d+)\nevent: revocation\ndata: {"sid":"${client.sessionId}","reason":"logged_out","at":"([^"]+Z)","expires_at":"([^"]+Z)"}\n\n`
  ).exec(text)
  const [, id = '', at = '', expiresAt = ''] = event ?? []
  t.equal(Date.parse(expiresAt) - Date.parse(at), 660_000)

  for (const unknown of [
    '0',
    id.replace(/^.*\./, ''),
    id.replace(/\d+$/, '4000000'),
    `other.${id.replace(/^.*\./, '')}`
  ]) {
    const { text: all } = await readFeed(url, isReady, { 'last-event-id': unknown })
    t.ok(sidsOf(all).includes(client.sessionId), `${unknown}: all entries`)
  }
  const { text: resumed } = await readFeed(url, isReady, { 'last-event-id': id })
  t.strictSame(sidsOf(resumed), [])
})

t.test("revocations reach a connected reader, and everybody's has a null sid", async (t) => {
  const { app, url } = await listening(t)
  const { client } = await newPerson(app)
  const reading = readFeed(url, (text) => sidsOf(text.slice(text.indexOf('event: ready'))).includes('null'))
  for (let round = 0; round < 500 && app.server.listening; round++) {
    // The session may have ended before the reader connected; then it is among the live entries.
    if (round === 0) await client.send('POST', '/logout')
    await app.latchkey.sessions.endEverybodysSessions()
    const settled = await Promise.race([
      reading.then(() => true),
      new Promise((resolve) => setTimeout(resolve, 10, false))
    ])
    if (settled === true) break
  }
  const { text } = await reading
  t.ok(sidsOf(text).includes(client.sessionId))
})

t.test('closing the app ends the stream without an error', async (t) => {
  const { app, url } = await listening(t)
  const { text } = await readFeed(url, (text) => {
    if (isReady(text)) void app.close()
    return false
  })
  t.match(text, /event: ready/)
})

t.test('HEAD /revocations has the headers of GET, and opens no stream', async (t) => {
  const host = newHost(t)
  const { ports, settings } = await openPluginOptions(t, database, {
    serviceCredentials: [serviceSettings.SERVICE_CREDENTIALS]
  })
  let followers = 0
  let reads = 0
  const revocationFeed = {
    ...ports.revocationFeed,
    read: (after?: bigint) => {
      reads += 1
      return ports.revocationFeed.read(after)
    },
    follow: (follower: Parameters<typeof ports.revocationFeed.follow>[0]) => {
      followers += 1
      const unfollow = ports.revocationFeed.follow(follower)
      return () => {
        followers -= 1
        unfollow()
      }
    }
  }
  await host.register(httpPlugin, { ports: { ...ports, revocationFeed }, settings })
  const url = `${await host.listen({ port: 0, host: '127.0.0.1' })}/revocations`
  /** Those of the plugin itself. */
  const own = followers
  for (let round = 0; round < 20; round += 1) {
    const response = await fetch(url, { method: 'HEAD', headers: { ...asGateway, 'last-event-id': '0' } })
    t.equal(response.status, 200)
    t.equal(response.headers.get('content-type'), 'text/event-stream')
    t.equal(response.headers.get('cache-control'), 'no-store')
    t.equal(response.headers.get('content-length'), null, 'a stream has no length')
    t.equal(await response.text(), '')
  }
  t.strictSame({ followers, reads }, { followers: own, reads: 0 })
  t.equal((await fetch(url, { method: 'HEAD' })).status, 401)

  await readFeed(url, (text) => {
    if (isReady(text)) t.equal(followers, own + 1, 'GET follows the feed')
    return isReady(text)
  })
  while (followers > own) await delay(5)
  t.equal(followers, own, 'and stops when its reader is gone')
})

t.test('an invalid Last-Event-ID is refused', async (t) => {
  const { app } = await listening(t)
  for (const id of ['x', '-1', '1e3', '9'.repeat(20), 'e.', '.1', 'e.f.1', 'e.-1', `${'e'.repeat(33)}.1`]) {
    const headers = { ...asGateway, 'last-event-id': id }
    t.match((await app.inject({ url: '/revocations', headers })).json(), { code: 'invalid_request' }, id)
  }
})
