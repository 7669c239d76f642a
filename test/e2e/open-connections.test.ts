import t from 'tap'
import type { WatchEndReason } from '../../src/core/signed-in-watch.js'
import { createVerifier } from '../../src/verifier/index.js'
import { Device } from '../support/processes/device.js'
import { freshDatabase, processTestMilliseconds, startService } from '../support/processes/process.js'

t.setTimeout(processTestMilliseconds)

t.test('an open connection ends when its session ends in another process', async (t) => {
  const credential = { id: 'reports', secret: 'a-secret-of-more-than-32-characters' }
  const settings = await freshDatabase(t, 'embedded')
  const issuer = 'https://auth.test'
  const service = await startService(t, {
    ...settings,
    ISSUER: issuer,
    SERVICE_CREDENTIALS: `${credential.id}:${credential.secret}`
  })
  const verifier = createVerifier({
    issuer,
    audience: issuer,
    jwksUrl: `${service.url}/.well-known/jwks.json`,
    feed: { url: `${service.url}/revocations`, credential }
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
