import t, { type Test } from 'tap'
import { EventsPage } from '../../src/http/schemas/admin/events.js'
import { testDatabases } from '../support/database.js'
import { Device, password, read } from '../support/processes/device.js'
import {
  freshDatabase,
  processTestMilliseconds,
  type ServiceProcess,
  startService
} from '../support/processes/process.js'

t.setTimeout(processTestMilliseconds)

/** Each device keeps its latest tokens, and must be able to go on with them after the service was killed. */

const deviceCount = 24
/** The service is killed after so many answered rotations, while other refreshes are running. */
const killAfterRotations = [1, 12]

for (const kind of testDatabases(t)) {
  t.test(`kill -9 during refreshes loses no session and no answered rotation (${kind})`, async (t) => {
    const admin = { email: 'ops@example.com', password }
    const settings = {
      ...(await freshDatabase(t, kind)),
      ADMIN_EMAIL: admin.email,
      ADMIN_PASSWORD: admin.password,
      // The shortest: after a restart all earlier rotations are past it, so that a lost one would count as reuse.
      REFRESH_GRACE_SECONDS: '1'
    }
    let service = await startService(t, settings)
    const devices = await signInAll(service.url)

    for (const rotations of killAfterRotations) {
      const unanswered = await refreshUntilKilled(t, service, devices, rotations)
      t.ok(unanswered > 0, `killed after ${rotations} answered rotations, with ${unanswered} refreshes unanswered`)
      service = await startService(t, settings)
      for (const device of devices) device.url = service.url
    }

    await Promise.all(devices.map((device) => refreshOnce(t, device)))
    t.strictSame(await eventTypes(service.url), ['login_succeeded', 'user_registered'])
  })
}

async function signInAll(url: string): Promise<readonly Device[]> {
  const devices = Array.from({ length: deviceCount }, () => new Device(url))
  const [first, ...others] = devices
  await first?.signIn('/register', 'ada@example.com')
  await Promise.all(others.map((device) => device.signIn('/login', 'ada@example.com')))
  return devices
}

/** All devices refresh in a loop until the service is killed, after `rotations` answered ones. */
async function refreshUntilKilled(t: Test, service: ServiceProcess, devices: readonly Device[], rotations: number) {
  let answered = 0
  let unanswered = 0
  async function refreshOn(device: Device): Promise<void> {
    for (;;) {
      const before = device.generation
      try {
        await refreshOnce(t, device)
      } catch (error) {
        // `fetch` throws a TypeError when the connection breaks.
        if (!(error instanceof TypeError)) throw error
        unanswered += 1
        return
      }
      if (device.generation === before) continue
      answered += 1
      if (answered === rotations) await service.stop('SIGKILL')
    }
  }
  await Promise.all(devices.map(refreshOn))
  return unanswered
}

/** Refreshes once. The result must be the token of the device or the next generation. */
async function refreshOnce(t: Test, device: Device): Promise<void> {
  const before = device.generation
  const { status, body } = await device.refresh()
  if (status !== 200) t.fail('a refresh was refused', { status, body })
  if (device.generation !== before && device.generation !== before + 1) {
    t.fail('a generation was skipped', { before, after: device.generation })
  }
}

/**
 * The types of all events, without `refresh_recovered`: a refresh that was committed but not answered may be repeated
 * after the grace. No session may have ended, and there must be no `refresh_restored`: it would mean that the database
 * lost a generation that a client had received.
 */
async function eventTypes(url: string): Promise<readonly string[]> {
  const ops = new Device(url)
  await ops.signIn('/login', 'ops@example.com')
  const { events } = read(EventsPage, await ops.send('GET', '/admin/events?limit=200'))
  return [...new Set(events.map(({ type }) => type))].filter((type) => type !== 'refresh_recovered').sort()
}
