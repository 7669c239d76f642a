import t, { type Test } from 'tap'
import { testFolder } from '../../support/database.js'
import { adminSettings, Crowd, expectNobodySignedOut, until } from '../../support/faults/crowd.js'
import { cannotRunPgbouncer, startPgbouncer } from '../../support/faults/pgbouncer.js'
import { cannotRunPostgres, startPostgres } from '../../support/faults/postgres-cluster.js'
import { startStandby } from '../../support/faults/standby.js'
import { Device } from '../../support/processes/device.js'
import { quickSettings, startService } from '../../support/processes/process.js'

t.setTimeout(240_000)

/** Each instance has ten in its pool, one that listens, and at times one that asks what the server works on. */
const connectionsOfTwo = 24
const watchSeconds = 15
const email = 'ada@example.com'

/** A primary whose commits wait for a standby, and a crowd on two instances that reach it directly or by PgBouncer. */
async function openSite(t: Test, isPooled: boolean) {
  const cluster = await startPostgres(t)
  const standby = await startStandby(t, cluster, { synchronousCommit: 'on' })
  const urls = isPooled
    ? { DATABASE_URL: await startPgbouncer(t, cluster), DATABASE_DIRECT_URL: cluster.url }
    : { DATABASE_URL: cluster.url }
  const settings = { ...quickSettings, ...adminSettings, ...urls, REFRESH_GRACE_SECONDS: '1' }
  const dataDir = { DATA_DIR: await testFolder(t) }
  const one = await startService(t, { ...settings, ...dataDir })
  const other = await startService(t, { ...settings, ...dataDir })
  const count = async (condition: string) =>
    (await cluster.sql(`SELECT FROM pg_stat_activity WHERE ${condition}`)).length
  return {
    cluster,
    standby,
    url: one.url,
    crowd: await Crowd.signIn([one.url, other.url], 30, email),
    connections: () => count(`application_name = 'latchkey'`),
    waitingCommits: () => count(`wait_event = 'SyncRep'`)
  }
}

for (const [way, isPooled] of Object.entries({ directly: false, 'through PgBouncer': true })) {
  const skip = isPooled ? cannotRunPgbouncer : cannotRunPostgres
  t.test(
    `47: without its synchronous standby, two instances keep to their connections (${way})`,
    { skip },
    async (t) => {
      const { standby, url, crowd, connections, waitingCommits } = await openSite(t, isPooled)
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
      const { unavailable, slowestUnavailable } = crowd.tally
      t.ok(unavailable > 100, `${unavailable} requests were answered 503`)
      t.ok(slowestUnavailable < 8000, `the slowest took ${Math.round(slowestUnavailable)} ms`)
      const asked = performance.now()
      t.equal((await new Device(url).signIn('/login', email)).status, 503)
      const took = Math.round(performance.now() - asked)
      t.ok(took < 1000, `when every connection waits, the answer takes ${took} ms`)

      standby.restoreReplication()
      await until(async () => (await waitingCommits()) === 0)
      const released = performance.now()
      await crowd.served(100)
      const recovered = Math.round(performance.now() - released)
      t.ok(recovered < 5000, `100 requests were served ${recovered} ms after the standby was back`)
      const { wrong, broken } = await crowd.stop()
      t.strictSame({ wrong, broken }, { wrong: [], broken: 0 })
      await expectNobodySignedOut(t, crowd)
    }
  )
}

t.test('47: a commit whose wait an operator ends is answered 503', { skip: cannotRunPostgres }, async (t) => {
  const { cluster, standby, url, waitingCommits } = await openSite(t, false)
  standby.cutReplication()
  const login = new Device(url).signIn('/login', email)
  await until(async () => (await waitingCommits()) > 0)
  const cancelled = performance.now()
  await cluster.sql(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)
  const { status, retryAfter } = await login
  t.equal(status, 503, 'it is committed, but a failover could lose it')
  t.ok(retryAfter)
  t.ok(performance.now() - cancelled < 1000, 'at once, not because time was up')
  standby.restoreReplication()
  await until(async () => (await new Device(url).signIn('/login', email)).status === 200)
})
