import t from 'tap'
import { decodeBase64url } from '../../src/core/bytes-as-text.js'
import { onServer, serverUrl } from '../support/database.js'
import { until } from '../support/faults/crowd.js'
import { Device } from '../support/processes/device.js'
import { freshDatabase, processTestMilliseconds, startService } from '../support/processes/process.js'

t.setTimeout(processTestMilliseconds)

const skip = serverUrl === undefined && 'TEST_DATABASE_URL is not set'
const imports = [new URL('../support/processes/shifted-clock.js', import.meta.url).href]

t.test(
  'two instances whose clocks are ten minutes apart agree, because the clock of the database counts',
  { skip },
  async (t) => {
    const settings = await freshDatabase(t, 'server')
    const [early, late] = await Promise.all(
      [-300, 300].map((shift) => startService(t, { ...settings, CLOCK_SHIFT_SECONDS: String(shift) }, { imports }))
    )
    if (early === undefined || late === undefined) throw new Error('Both instances must start.')

    for (const [maker, reader] of [
      [early, late],
      [late, early]
    ] as const) {
      const device = new Device(maker.url)
      await device.signIn(maker === early ? '/register' : '/login', 'ada@example.com')
      const payload = new TextDecoder().decode(decodeBase64url(device.accessToken.split('.')[1] ?? ''))
      const { iat } = JSON.parse(payload) as { iat: number }
      t.ok(Math.abs(Date.now() / 1000 - iat) < 30, 'iat is the time of the database')
      device.url = reader.url
      t.equal((await device.send('GET', '/me')).status, 200, 'the token is valid at the other instance')
      t.equal((await device.refresh()).status, 200)
      device.url = maker.url
      t.equal(
        (await device.refresh()).status,
        200,
        'the refresh falls into the grace window of the rotation at the other instance'
      )
      t.equal(device.generation, 1, 'both instances take the rotation for recent')
      t.equal((await device.send('POST', '/logout', { refresh_token: device.refreshToken })).status, 204)
      device.url = reader.url
      await until(async () => (await device.send('GET', '/me')).status === 401)
      t.pass('a token issued by the instance with the later clock is revoked')
    }
  }
)

t.test(
  'after the clock of the database was set back, a login is refused soon, and does not wait',
  { skip },
  async (t) => {
    const settings = await freshDatabase(t, 'server')
    const service = await startService(t, settings)
    const device = new Device(service.url)
    await device.signIn('/register', 'ada@example.com')
    const schema = new URL(settings.DATABASE_URL ?? '').searchParams.get('schema')
    // As written an hour ago by a clock that was an hour ahead.
    await onServer((client) =>
      client.query(`INSERT INTO ${schema}.revocation (reason, at, expires_at)
      VALUES ('revoked_by_admin', now() + interval '1 hour', now() + interval '2 hours')`)
    )
    await until(async () => (await device.send('GET', '/me')).status === 401)
    t.equal((await device.signIn('/login', 'ada@example.com')).status, 503)
    await until(async () => service.printed().includes('clock was set back'))
  }
)
