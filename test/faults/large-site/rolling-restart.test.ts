import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { testFolder } from '../../support/database.js'
import { adminSettings, Crowd, expectNobodySignedOut, status, until } from '../../support/faults/crowd.js'
import { cannotRunHaproxy, servedBy, startHaproxy } from '../../support/faults/haproxy.js'
import { cannotRunPostgres, freePort, startPostgres } from '../../support/faults/postgres-cluster.js'
import { quickSettings, startService } from '../../support/processes/process.js'

t.setTimeout(180_000)

/** HAProxy takes a server out at the second failed check: after four seconds at the latest, if a check takes no time. */
const shutdownDelaySeconds = 7

const skip = cannotRunPostgres || cannotRunHaproxy

t.test('two instances behind HAProxy are restarted one by one, and no request fails', { skip }, async (t) => {
  const cluster = await startPostgres(t)
  const settings = {
    ...quickSettings,
    ...adminSettings,
    REFRESH_GRACE_SECONDS: '1',
    // Both accept each other's access tokens. Without it, the issuer has the port.
    ISSUER: 'https://auth.example.com',
    SHUTDOWN_DELAY_SECONDS: String(shutdownDelaySeconds),
    DATABASE_URL: cluster.url,
    DATA_DIR: await testFolder(t)
  }
  const ports = { a: await freePort(), b: await freePort() }
  const start = (name: 'a' | 'b') => startService(t, { ...settings, PORT: String(ports[name]) })
  const running = { a: await start('a'), b: await start('b') }
  const url = await startHaproxy(t, ports)
  const whoServes = async () => (await fetch(`${url}/healthz`)).headers.get(servedBy)
  const isBack = (name: 'a' | 'b') => until(async () => (await whoServes()) === name)
  await isBack('a')
  await isBack('b')

  const crowd = await Crowd.signIn([url], 12)
  const connections = newConnections(url)
  crowd.start()
  await crowd.served(50)
  for (const name of ['a', 'b'] as const) {
    await t.test(`${name} serves until the balancer has turned away`, async (t) => {
      const { url: own, stop } = running[name]
      const ended = stop()
      await until(async () => (await status(`${own}/readyz`)) === 503)
      t.equal(await status(`${own}/healthz`), 200, 'on a new connection too')
      t.match(await ended, { code: 0, signal: null })
    })
    running[name] = await start(name)
    await isBack(name)
  }
  await crowd.served(50)
  const { served, unavailable, broken, wrong } = await crowd.stop()
  const opened = await connections.stop()
  const faults = { unavailable, broken, wrong }
  t.strictSame(faults, { unavailable: 0, broken: 0, wrong: [] }, `${served} refreshes were served`)
  t.strictSame(opened.failed, [], `${opened.served} new connections were served`)
  await expectNobodySignedOut(t, crowd)
})

/** Opens a connection for each request, until `stop`. */
function newConnections(url: string) {
  let isRunning = true
  let served = 0
  const failed: unknown[] = []
  const loop = (async () => {
    while (isRunning) {
      const response = await fetch(`${url}/features`, { headers: { connection: 'close' } }).catch(String)
      if (typeof response !== 'string' && response.status === 200) served += 1
      else failed.push(typeof response === 'string' ? response : response.status)
      await delay(20)
    }
  })()
  return {
    async stop() {
      isRunning = false
      await loop
      return { served, failed }
    }
  }
}
