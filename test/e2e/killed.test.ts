import t, { type Test } from 'tap'
import { EventsPage } from '../../src/http/schemas/admin/events.js'
import { testDatabases } from '../support/database.js'
import { Device, password, read } from '../support/processes/device.js'
import { freshDatabase, patienceMilliseconds, type ServiceProcess, startService } from '../support/processes/process.js'

t.setTimeout(patienceMilliseconds)

/** The ledger is the devices: each remembers what it was last told, and must be able to go on from there. */

const deviceCount = 24
/** After how many rotations told to clients each life of the service is cut off, with the other refreshes under way. */
const lives = [1, 12]

for (const kind of testDatabases(t)) {
  t.test(`kill -9 amid refreshes loses no session and no answer that was given (${kind})`, async (t) => {
    const admin = { email: 'ops@example.com', password }
    const settings = {
      ...(await freshDatabase(t, kind)),
      ADMIN_EMAIL: admin.email,
      ADMIN_PASSWORD: admin.password,
      // The shortest: every life finds the rotations of the one before past it, where a mistake would be reuse.
      REFRESH_GRACE_SECONDS: '1'
    }
    let service = await startService(t, settings)
    const devices = await signInAll(service.url)

    for (const rotations of lives) {
      const unanswered = await refreshUntilKilled(t, service, devices, rotations)
      t.ok(unanswered > 0, `killed after ${rotations} rotations were told, with ${unanswered} refreshes unanswered`)
      service = await startService(t, settings)
      for (const device of devices) device.url = service.url
    }

    await Promise.all(devices.map((device) => refreshOnce(t, device)))
    t.strictSame(await eventTypesSeen(service.url), ['login_succeeded', 'user_registered'])
  })
}

async function signInAll(url: string): Promise<readonly Device[]> {
  const devices = Array.from({ length: deviceCount }, () => new Device(url))
  const [first, ...others] = devices
  await first?.signIn('/register', 'ada@example.com')
  await Promise.all(others.map((device) => device.signIn('/login', 'ada@example.com')))
  return devices
}

/** All devices refresh again and again until the service, killed after so many rotations, answers no more. */
async function refreshUntilKilled(t: Test, service: ServiceProcess, devices: readonly Device[], rotations: number) {
  let told = 0
  let unanswered = 0
  async function goOn(device: Device): Promise<void> {
    for (;;) {
      const before = device.generation
      try {
        await refreshOnce(t, device)
      } catch (error) {
        // What fetch throws when the connection breaks.
        if (!(error instanceof TypeError)) throw error
        unanswered += 1
        return
      }
      if (device.generation === before) continue
      told += 1
      if (told === rotations) await service.stop('SIGKILL')
    }
  }
  await Promise.all(devices.map(goOn))
  return unanswered
}

/** One refresh, whose answer must be the token that the device holds or the one after it. */
async function refreshOnce(t: Test, device: Device): Promise<void> {
  const before = device.generation
  const { status, body } = await device.refresh()
  if (status !== 200) t.fail('a refresh was refused', { status, body })
  if (device.generation !== before && device.generation !== before + 1) {
    t.fail('a generation was skipped', { before, after: device.generation })
  }
}

/**
 * No session ended, none was forgiven, and none was `refresh_restored`: that one would mean that a client was told of a
 * generation which the database then had lost.
 */
async function eventTypesSeen(url: string): Promise<readonly string[]> {
  const ops = new Device(url)
  await ops.signIn('/login', 'ops@example.com')
  const { events } = read(EventsPage, await ops.send('GET', '/admin/events?limit=200'))
  return [...new Set(events.map(({ type }) => type))].sort()
}
