import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { HeartbeatLost } from '../../../src/adapters/notices/heartbeat.js'
import { defaultTiming } from '../../../src/adapters/notices/subscription.js'
import type { Database } from '../../../src/adapters/prisma/database.js'
import { openServerDatabase } from '../../../src/adapters/prisma/server/server-database.js'
import { prismaRevocationLog } from '../../../src/adapters/prisma/stores/revocation-log.js'
import { openRevocationFeed } from '../../../src/adapters/revocations/revocation-feed.js'
import { systemEntropy } from '../../../src/adapters/secrets/system.js'
import { onServer, serverUrl, sql, testSchema } from '../../support/database.js'
import { startDeafRelay } from '../../support/faults/deaf-relay.js'
import { startRelay } from '../../support/faults/relay.js'

t.jobs = 1
const onlyWithServer = { skip: serverUrl === undefined && 'TEST_DATABASE_URL is not set' }
const channel = 'latchkey_revocation'

/** One database, opened twice: through a relay that the test can cut, and directly. */
async function openTwo(t: Test) {
  const url = await testSchema(t)
  const relay = await startRelay(t, url)
  const open = async (url: string) => {
    const database = await openServerDatabase({ url, poolSize: 2 })
    t.teardown(() => database.close())
    return database
  }
  return { relay, database: await open(relay.url), writer: await open(url) }
}

/** Revokes a session by SQL, as an operator with psql would. */
async function revoke(database: Database): Promise<string> {
  const sid = randomUUID()
  const insert = `INSERT INTO revocation (sid, reason, expires_at) VALUES ($1::uuid, 'revoked_by_admin', now() + interval '1 hour')`
  await sql(database, insert, sid)
  return sid
}

async function until(t: Test, isSo: () => boolean, what: string): Promise<void> {
  for (let round = 0; round < 4000 && !isSo(); round += 1) await delay(5)
  t.ok(isSo(), what)
}

t.test('a commit sends one notice, to listeners of its own schema alone', onlyWithServer, async (t) => {
  const { relay, database, writer } = await openTwo(t)
  const { writer: stranger } = await openTwo(t)
  if (database.listen === undefined) return t.fail('a server database offers no listen')
  let notices = 0
  let lost = false
  const listening = await database.listen(channel)({
    onNotice: () => {
      notices += 1
    },
    onLost: () => {
      lost = true
    }
  })
  await revoke(stranger)
  await listening.ping()
  t.equal(notices, 0, 'a write in another schema sends no notice')
  await revoke(writer)
  await until(t, () => notices === 1, 'one row, one notice')
  const many = `INSERT INTO revocation (sid, reason, expires_at) SELECT gen_random_uuid(), 'logged_out', now() FROM generate_series(1, 100)`
  await sql(writer, many)
  await until(t, () => notices === 2, 'a hundred rows of one statement, one notice')
  await sql(writer, `INSERT INTO revocation (sid, reason, expires_at) SELECT NULL, '', now() WHERE false`)
  await listening.ping()
  t.equal(notices, 2, 'a statement that writes nothing sends no notice')

  relay.cut()
  await until(t, () => lost, 'a cut connection calls onLost')
  await t.rejects(listening.ping(), 'a cut connection rejects a ping')
  await t.rejects(
    database.listen(channel)({ onNotice() {}, onLost() {} }),
    'an unreachable server rejects a new connection'
  )
  await listening.close()
  relay.restore()
  const again = await database.listen(channel)({
    onNotice: () => {
      notices += 1
    },
    onLost() {}
  })
  await revoke(writer)
  await until(t, () => notices === 3, 'a new connection receives notices again')
  await again.close()
})

t.test('a feed that lost its server reads the missed entries when the server is back', onlyWithServer, async (t) => {
  const { relay, database, writer } = await openTwo(t)
  const { listen } = database
  if (listen === undefined) return t.fail('a server database offers no listen')
  const { revocations, feed, close } = await openRevocationFeed({
    log: prismaRevocationLog(database),
    clock: { now: Date.now },
    entropy: systemEntropy,
    notices: { connect: listen(channel), lossy: false },
    whenStale: 'allow',
    // No poll, so that the feed learns by its subscription alone.
    timing: { ...defaultTiming, maxPauseMilliseconds: 100, pollMilliseconds: 3_600_000 }
  })
  t.teardown(close)
  const refuses = (sid: string) => revocations.refuses({ sid, iat: 0 }) === 'session_revoked'
  await until(t, () => feed.state().connected, 'connected')
  const pushed = await revoke(writer)
  await until(t, () => refuses(pushed), 'the revocation is pushed')

  relay.cut()
  await until(t, () => !feed.state().connected, 'the feed notices the cut')
  const missed = [await revoke(writer), await revoke(writer)]
  await delay(50)
  t.notOk(missed.some(refuses), 'a feed without a connection does not know the entries')
  relay.restore()
  await until(t, () => missed.every(refuses), 'the feed reads the missed entries')
  const after = await revoke(writer)
  await until(t, () => refuses(after), 'later entries are pushed again')
})

t.test(
  'where no notice arrives, nothing counts as connected, and the cause is reported once',
  onlyWithServer,
  async (t) => {
    const url = await testSchema(t)
    const deafUrl = await startDeafRelay(t, url)
    let reports = 0
    const deaf = await openServerDatabase({ url: deafUrl, poolSize: 2, onDeaf: () => (reports += 1) })
    const writer = await openServerDatabase({ url, poolSize: 2 })
    t.teardown(() => Promise.all([deaf.close(), writer.close()]))
    const { listen } = deaf
    if (listen === undefined) return t.fail('a server database offers no listen')
    const attempts = ['one', 'two'].map((name) => listen(name)({ onNotice() {}, onLost() {} }))
    for (const attempt of attempts) await t.rejects(attempt, HeartbeatLost)
    await t.rejects(listen('three')({ onNotice() {}, onLost() {} }), HeartbeatLost)
    t.equal(reports, 1)

    const { revocations, feed, close } = await openRevocationFeed({
      log: prismaRevocationLog(deaf),
      clock: { now: Date.now },
      entropy: systemEntropy,
      notices: { connect: listen(channel), lossy: false },
      whenStale: 'deny'
    })
    t.teardown(close)
    const sid = await revoke(writer)
    const written = performance.now()
    await until(t, () => revocations.refuses({ sid, iat: 0 }) === 'session_revoked', 'the feed reads the log instead')
    t.ok(performance.now() - written < 1000, 'within a second')
    const { connected, stale } = feed.state()
    t.strictSame({ connected, stale }, { connected: false, stale: false })
  }
)

t.test(
  'with a direct URL for listening, notices arrive although the other connections are deaf',
  onlyWithServer,
  async (t) => {
    const url = await testSchema(t)
    const deafUrl = await startDeafRelay(t, url)
    const database = await openServerDatabase({
      url: deafUrl,
      directUrl: url,
      poolSize: 2,
      onDeaf: () => t.fail('deaf')
    })
    t.teardown(() => database.close())
    let notices = 0
    const listening = await database.listen?.(channel)({ onNotice: () => (notices += 1), onLost() {} })
    await revoke(database)
    await until(t, () => notices === 1, 'a notice arrives')
    await listening?.close()
  }
)

t.test('all channels share one connection, which is closed with the last of them', onlyWithServer, async (t) => {
  const { relay, database } = await openTwo(t)
  const { listen } = database
  if (listen === undefined) return t.fail('a server database offers no listen')
  const listening = () =>
    onServer(async (client) => {
      const { rows } = await client.query<{ query: string }>(
        "SELECT query FROM pg_stat_activity WHERE query LIKE '%latchkey_heartbeat%' OR query LIKE 'LISTEN \"mine_%'"
      )
      return rows.length
    })
  let lost = 0
  const handlers = () => ({ onNotice() {}, onLost: () => (lost += 1) })
  const before = await listening()
  const connections = await Promise.all(['mine_1', 'mine_2'].map((name) => listen(name)(handlers())))
  t.equal((await listening()) - before, 1)
  await connections[0]?.close()
  await t.resolves(Promise.resolve(connections[1]?.ping()))
  relay.cut()
  await until(t, () => lost === 1, 'the one that is still open is lost')
})
