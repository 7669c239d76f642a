import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { testFolder } from '../../support/database.js'
import { status, until } from '../../support/faults/crowd.js'
import { cannotRunPostgres, startPostgres } from '../../support/faults/postgres-cluster.js'
import { startStandby } from '../../support/faults/standby.js'
import { quickSettings, startService } from '../../support/processes/process.js'

t.setTimeout(120_000)

/** A result may be a second old, and a probe may take two. The rest is for a busy machine. */
const unreadyMilliseconds = 6000

t.test('while a synchronous standby is lost, /readyz answers 503', { skip: cannotRunPostgres }, async (t) => {
  const cluster = await startPostgres(t)
  const standby = await startStandby(t, cluster, { synchronousCommit: 'on' })
  const service = await startService(t, {
    ...quickSettings,
    DATA_DIR: await testFolder(t),
    DATABASE_URL: cluster.url
  })
  const readiness = () => status(`${service.url}/readyz`)
  const waitingCommits = async () =>
    (await cluster.sql("SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'")).length
  t.equal(await readiness(), 200)

  standby.cutReplication()
  const cut = performance.now()
  await until(async () => (await readiness()) === 503)
  const took = Math.round(performance.now() - cut)
  t.ok(took < unreadyMilliseconds, `503 after ${took} ms, though nobody else writes`)

  // As long as several probes take: balancers ask twice a second.
  const commits: number[] = []
  let slowest = 0
  for (const begun = performance.now(); performance.now() - begun < 12_000; await delay(500)) {
    const asked = performance.now()
    t.equal(await readiness(), 503)
    slowest = Math.max(slowest, performance.now() - asked)
    commits.push(await waitingCommits())
  }
  t.ok(slowest < unreadyMilliseconds, `the slowest answer took ${Math.round(slowest)} ms`)
  t.equal(Math.max(...commits), 1, 'the probes do not fill the server with waiting commits')
  t.equal(await status(`${service.url}/healthz`), 200)

  standby.restoreReplication()
  await until(async () => (await waitingCommits()) === 0)
  const restored = performance.now()
  await until(async () => (await readiness()) === 200)
  const returned = Math.round(performance.now() - restored)
  t.ok(returned < unreadyMilliseconds, `200 again ${returned} ms after the commits went on`)

  const { stdout } = await service.stop()
  const lines = (words: string) => stdout.split('\n').filter((line) => line.includes(words)).length
  t.equal(lines('This instance is not ready'), 1)
  t.equal(lines('This instance is ready again'), 1)
  t.strictSame(
    stdout.split('\n').filter((line) => line.includes('"/readyz"')),
    []
  )
})
