import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { WatchEndReason } from '../../src/core/signed-in-watch.js'
import { createVerifier } from '../../src/verifier/index.js'
import { serverUrl } from '../support/database.js'
import { instanceSettings, issuer, serviceCredential } from '../support/faults/fleet-settings.js'
import { Device } from '../support/processes/device.js'
import { freshDatabase, processTestMilliseconds, startService } from '../support/processes/process.js'

t.setTimeout(processTestMilliseconds)

t.test('an open connection ends when its session ends in another process', async (t) => {
  const settings = await freshDatabase(t, 'embedded')
  const service = await startService(t, { ...settings, ...instanceSettings })
  const verifier = createVerifier({
    issuer,
    audience: issuer,
    jwksUrl: `${service.url}/.well-known/jwks.json`,
    feed: { url: `${service.url}/revocations`, credential: serviceCredential }
  })
  t.teardown(() => verifier.close())

  const device = new Device(service.url)
  t.equal((await device.signIn('/register', 'ada@example.com')).status, 201)
  const ended = new Promise<WatchEndReason>((resolve) => {
    const { auth } = verifier.whileSignedIn(device.accessToken, { onEnd: resolve })
    t.resolves(auth.then(async () => device.send('POST', '/logout')))
  })
  t.equal(await ended, 'logged_out')
})

const entry = fileURLToPath(new URL('../support/processes/host-with-events.js', import.meta.url))
const redisUrl = process.env.TEST_REDIS_URL
const feeds = [
  { feed: 'LISTEN/NOTIFY', settings: {}, skip: serverUrl === undefined && 'TEST_DATABASE_URL is not set' },
  {
    feed: 'Redis',
    settings: { REDIS_URL: redisUrl },
    skip: (serverUrl === undefined || redisUrl === undefined) && 'TEST_DATABASE_URL or TEST_REDIS_URL is not set'
  }
]

for (const { feed, settings, skip } of feeds)
  t.test(
    `a session that is ended at one instance closes its connections at the other, by ${feed}`,
    { skip },
    async (t) => {
      const shared = { ...(await freshDatabase(t, 'server')), ...instanceSettings, ...settings }
      const [host, service] = await Promise.all([startService(t, shared, { entry }), startService(t, shared)])
      const device = new Device(service.url)
      t.equal((await device.signIn('/register', 'ada@example.com')).status, 201)
      const response = await fetch(`${host.url}/events`, { headers: { authorization: `Bearer ${device.accessToken}` } })
      t.equal(response.status, 200)
      t.equal((await device.send('POST', '/logout')).status, 204)
      t.match(await response.text(), 'data: logged_out')
    }
  )
