import t from 'tap'
import { testFolder } from '../../support/database.js'
import { adminSettings, Crowd, expectNobodySignedOut, until } from '../../support/faults/crowd.js'
import { cannotRunPostgres, startPostgres } from '../../support/faults/postgres-cluster.js'
import { startStandby } from '../../support/faults/standby.js'
import { Device } from '../../support/processes/device.js'
import { quickSettings, startService } from '../../support/processes/process.js'

t.setTimeout(240_000)

/** Each instance has ten in its pool, one that listens, and at times one that asks what the server works on. */
const connectionsOfTwo = 24
const watchSeconds = 15

t.test('47: a lost synchronous standby', { skip: cannotRunPostgres }, async (t) => {
  const cluster = await startPostgres(t)
  const standby = await startStandby(t, cluster, { synchronousCommit: 'on' })
  const settings = { ...quickSettings, ...adminSettings, REFRESH_GRACE_SECONDS: '1', DATA_DIR: await testFolder(t) }
  const start = () => startService(t, { ...settings, DATABASE_URL: cluster.url })
  const { url } = await start()
  const { url: other } = await start()
  const crowd = await Crowd.signIn([url, other], 30)
  const connections = async () =>
    (await cluster.sql("SELECT FROM pg_stat_activity WHERE application_name = 'latchkey'")).length
  const waitingCommits = async () =>
    (await cluster.sql("SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'")).length

  await t.test('two instances stay within their connections, and answer 503 quickly', async (t) => {
    crowd.start()
    await crowd.served(60)
    standby.cutReplication()
    await until(async () => (await waitingCommits()) > 0)
    const counts: number[] = []
    const begun = performance.now()
    await until(async () => {
      counts.push(await connections())
      return performance.now() - begun > watchSeconds * 1000
    })
    const highest = Math.max(...counts)
    t.ok(highest <= connectionsOfTwo, `at most ${highest} connections, counted ${counts.length} times`)
    t.ok((await waitingCommits()) > 10, 'most of them wait for the standby')
    const { wrong, broken, unavailable, slowestUnavailable } = crowd.tally
    t.strictSame({ wrong, broken }, { wrong: [], broken: 0 })
    t.ok(unavailable > 100, `${unavailable} requests were answered 503`)
    t.ok(slowestUnavailable < 8000, `the slowest took ${Math.round(slowestUnavailable)} ms`)

    const asked = performance.now()
    t.equal((await new Device(url).signIn('/login', 'ada@example.com')).status, 503)
    const took = performance.now() - asked
    t.ok(took < 1000, `when every connection waits, the answer takes ${Math.round(took)} ms`)
  })

  await t.test('when the standby is back they recover by themselves, and nobody is signed out', async (t) => {
    standby.restoreReplication()
    const restored = performance.now()
    await until(async () => (await waitingCommits()) === 0)
    const released = performance.now()
    await crowd.served(100)
    t.ok(performance.now() - released < 5000, `served ${Math.round(performance.now() - released)} ms after the commits`)
    t.comment(`${Math.round(performance.now() - restored)} ms after the network was back`)
    const { wrong, broken } = await crowd.stop()
    t.strictSame({ wrong, broken }, { wrong: [], broken: 0 })
    await expectNobodySignedOut(t, crowd)
  })

  await t.test('a commit whose wait an operator ends is answered 503, because a failover could lose it', async (t) => {
    standby.cutReplication()
    const login = new Device(url).signIn('/login', 'ada@example.com')
    await until(async () => (await waitingCommits()) > 0)
    const cancelled = performance.now()
    await cluster.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
    const { status, retryAfter } = await login
    t.equal(status, 503)
    t.ok(retryAfter)
    t.ok(performance.now() - cancelled < 1000, 'at once, not because time was up')
    standby.restoreReplication()
    await until(async () => (await new Device(url).signIn('/login', 'ada@example.com')).status === 200)
  })
})
