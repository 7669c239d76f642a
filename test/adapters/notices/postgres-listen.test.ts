import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { usualTiming } from '../../../src/adapters/notices/subscription.js'
import type { Database } from '../../../src/adapters/prisma/database.js'
import { openServerDatabase } from '../../../src/adapters/prisma/server-database.js'
import { prismaRevocationLog } from '../../../src/adapters/prisma/stores/revocation-log.js'
import { openRevocationFeed } from '../../../src/adapters/revocations/revocation-feed.js'
import { systemEntropy } from '../../../src/adapters/secrets/system.js'
import { serverUrl, sql, testSchema } from '../../support/database.js'
import { startRelay } from '../../support/faults/relay.js'

t.jobs = 1
const onlyWithServer = { skip: serverUrl === undefined && 'TEST_DATABASE_URL is not set' }
const channel = 'latchkey_revocation'

/** A database by a way that can be cut, and the same one by a way that cannot. */
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

/** Revokes a session past everything, as a person with psql would. */
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

t.test('a notice comes with the commit, and only with ours', onlyWithServer, async (t) => {
  const { relay, database, writer } = await openTwo(t)
  const { writer: stranger } = await openTwo(t)
  if (database.listen === undefined) return t.fail('a server has nothing to listen to')
  let notices = 0
  let lost = false
  const listening = await database.listen(channel, {
    onNotice: () => {
      notices += 1
    },
    onLost: () => {
      lost = true
    }
  })
  await revoke(stranger)
  await listening.ping()
  t.equal(notices, 0, 'of another service on the same server')
  await revoke(writer)
  await until(t, () => notices === 1, 'one entry, one notice')
  const many = `INSERT INTO revocation (sid, reason, expires_at) SELECT gen_random_uuid(), 'logged_out', now() FROM generate_series(1, 100)`
  await sql(writer, many)
  await until(t, () => notices === 2, 'a hundred of one statement, one notice')
  await sql(writer, `INSERT INTO revocation (sid, reason, expires_at) SELECT NULL, '', now() WHERE false`)
  await listening.ping()
  t.equal(notices, 2, 'nothing written, nothing told')

  relay.cut()
  await until(t, () => lost, 'a connection that is cut is told')
  await t.rejects(listening.ping(), 'and answers no more')
  await t.rejects(database.listen(channel, { onNotice() {}, onLost() {} }), 'nor can another be had')
  await listening.close()
  relay.mend()
  const again = await database.listen(channel, {
    onNotice: () => {
      notices += 1
    },
    onLost() {}
  })
  await revoke(writer)
  await until(t, () => notices === 3, 'a new one hears again')
  await again.close()
})

t.test('a feed that was cut off catches up when the server is back', onlyWithServer, async (t) => {
  const { relay, database, writer } = await openTwo(t)
  const { listen } = database
  if (listen === undefined) return t.fail('a server has nothing to listen to')
  const { revocations, feed, close } = await openRevocationFeed({
    log: prismaRevocationLog(database),
    clock: { now: Date.now },
    entropy: systemEntropy,
    notices: { connect: (handlers) => listen(channel, handlers), lossy: false },
    whenStale: 'allow',
    // No poll: what it learns, it learns by its subscription.
    timing: { ...usualTiming, longestPauseMilliseconds: 100, pollMilliseconds: 3_600_000 }
  })
  t.teardown(close)
  const refuses = (sid: string) => revocations.refuses({ sid, iat: 0 }) === 'session_revoked'
  await until(t, () => feed.state().connected, 'connected')
  const pushed = await revoke(writer)
  await until(t, () => refuses(pushed), 'pushed')

  relay.cut()
  await until(t, () => !feed.state().connected, 'it knows that it is cut off')
  const missed = [await revoke(writer), await revoke(writer)]
  await delay(50)
  t.notOk(missed.some(refuses), 'it cannot know')
  relay.mend()
  await until(t, () => missed.every(refuses), 'it catches up')
  const after = await revoke(writer)
  await until(t, () => refuses(after), 'and is told again')
})
