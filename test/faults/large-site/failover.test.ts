import t, { type Test } from 'tap'
import { until } from '../../support/faults/crowd.js'
import { refusedAfter } from '../../support/faults/fan-out.js'
import { type Fleet, type FleetOptions, startFleet } from '../../support/faults/fleet.js'
import { cannotRunPostgres, startPostgres } from '../../support/faults/postgres-cluster.js'
import { startRelay } from '../../support/faults/relay.js'
import { startStandby } from '../../support/faults/standby.js'
import { Device } from '../../support/processes/device.js'

t.setTimeout(180_000)

const bystanders = 10
const redisUrl = process.env.TEST_REDIS_URL

t.test(
  '45: after an asynchronous failover every logout holds everywhere, and the lost ones are repaired',
  { skip: cannotRunPostgres },
  (t) => failOver(t, { logouts: 40 })
)

t.test(
  '45: the same if notices come by Redis, whose connection the failover does not break',
  { skip: cannotRunPostgres || (redisUrl === undefined && 'TEST_REDIS_URL is not set') },
  (t) => failOver(t, { logouts: 8, redisUrl })
)

async function failOver(t: Test, { logouts, ...options }: FleetOptions & { readonly logouts: number }) {
  const primary = await startPostgres(t)
  const standby = await startStandby(t, primary)
  const address = await startRelay(t, primary.url)
  const fleet = await startFleet(t, address.url, options)
  const devices = await signInAll(t, fleet, 2 * logouts + bystanders)
  const [lost, later] = [devices.slice(0, logouts), devices.slice(logouts, 2 * logouts)]
  const others = devices.slice(2 * logouts)
  await standby.caughtUp()

  standby.cutReplication()
  await logOutAll(t, fleet, lost)
  await primary.stop('immediate')
  const sessionsOfLost = async () => (await standby.sql(`SELECT FROM session WHERE ${among(lost)}`)).length
  t.equal(await sessionsOfLost(), logouts, 'the standby knows of none of these logouts')
  await standby.promote()
  address.pointTo(standby.url)

  for (const url of fleet.instances) await until(async () => (await fetch(`${url}/readyz`)).status === 200)
  await logOutAll(t, fleet, later)
  await expectRefused(t, fleet, lost)

  await until(async () => (await sessionsOfLost()) === 0)
  t.strictSame(
    await standby.sql(
      `SELECT count(*)::int, count(DISTINCT session_id)::int AS sessions, count(user_id)::int AS users, min(reason) AS reason
         FROM event WHERE type = 'session_ended' AND ${among(lost, 'session_id')}`
    ),
    [{ count: logouts, sessions: logouts, users: logouts, reason: 'logged_out' }],
    'each lost logout has one event'
  )
  t.strictSame(
    await standby.sql(
      `SELECT count(*)::int, count(DISTINCT sid)::int AS sessions FROM revocation WHERE ${among(lost, 'sid')}`
    ),
    [{ count: logouts, sessions: logouts }],
    'and one entry'
  )
  for (const device of lost) t.equal((await device.refresh()).status, 401, 'a lost logout is repaired')
  for (const device of others) {
    t.equal((await device.refresh()).status, 200, 'a session that nobody ended lives on')
    for (const { name, judge } of fleet.guards) t.equal(await judge(device.accessToken), 'accepted', name)
  }
  const metrics = await Promise.all(fleet.instances.map(async (url) => (await fetch(`${url}/metrics`)).text()))
  t.ok(metrics.every((text) => /^latchkey_feed_resets_total [1-9]/m.test(text)))
  const restored = metrics.map((text) => Number(/^latchkey_restored_revocations_total (\d+)/m.exec(text)?.[1]))
  t.equal(
    restored.reduce((sum, one) => sum + one, 0),
    logouts
  )
}

/** Signs in a device of a person of its own each, one after the other at both instances: many would fill the queue. */
async function signInAll(t: Test, { instances }: Fleet, count: number): Promise<readonly Device[]> {
  const devices = Array.from({ length: count }, (_, i) => new Device(instances[i % 2] ?? instances[0]))
  for (const [i, device] of devices.entries()) {
    t.equal((await device.signIn('/register', `person-${i}@example.com`)).status, 201)
  }
  return devices
}

/** Logs out one device after the other, and checks that every guard refuses its access token within a second. */
async function logOutAll(t: Test, fleet: Fleet, devices: readonly Device[]): Promise<void> {
  const times: number[] = []
  const acceptedLate: string[] = []
  for (const device of devices) {
    const { status } = await device.send('POST', '/logout')
    t.equal(status, 204)
    const answered = performance.now()
    const refused = await Promise.all(
      fleet.guards.map(async (guard) => ({
        guard,
        ...(await refusedAfter(guard, device.accessToken, () => answered))
      }))
    )
    times.push(...refused.map(({ milliseconds }) => milliseconds))
    acceptedLate.push(...refused.filter((one) => one.acceptedLate).map(({ guard }) => guard.name))
  }
  t.strictSame(acceptedLate, [], 'refused everywhere within a second')
  t.comment(`the slowest of ${times.length} refusals came after ${Math.round(Math.max(...times))} ms`)
}

async function expectRefused(t: Test, { guards }: Fleet, devices: readonly Device[]): Promise<void> {
  const accepted: string[] = []
  for (const { accessToken } of devices) {
    for (const { name, judge } of guards) if ((await judge(accessToken)) !== 'refused') accepted.push(name)
  }
  t.strictSame(accepted, [], 'every guard still refuses them')
}

const among = (devices: readonly Device[], column = 'id') =>
  `${column} IN (${devices.map(({ sessionId }) => `'${sessionId}'`).join(', ')})`
