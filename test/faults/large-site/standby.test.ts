import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { cannotRunPostgres, type PostgresCluster, startPostgres } from '../../support/faults/postgres-cluster.js'
import { type StandbyOptions, startStandby } from '../../support/faults/standby.js'

t.setTimeout(120_000)

/** A primary with an empty table, and a standby of it. */
async function replicated(t: Test, options: StandbyOptions = {}) {
  const primary = await startPostgres(t)
  await primary.sql('CREATE TABLE written (n int)')
  const standby = await startStandby(t, primary, options)
  return { primary, standby }
}

const write = (server: PostgresCluster, n: number) => server.sql(`INSERT INTO written VALUES (${n})`)
const rows = (server: PostgresCluster) => server.sql('SELECT n FROM written ORDER BY n')

t.test('a promoted asynchronous standby has lost what it had not received', { skip: cannotRunPostgres }, async (t) => {
  const { primary, standby } = await replicated(t)
  await write(primary, 1)
  await standby.caughtUp()
  standby.cutReplication()
  await write(primary, 2)
  await primary.stop('immediate')
  await standby.promote()
  await write(standby, 3)
  t.strictSame(await rows(standby), [{ n: 1 }, { n: 3 }])
})

t.test('a commit waits while its synchronous standby is away', { skip: cannotRunPostgres }, async (t) => {
  const { primary, standby } = await replicated(t, { synchronousCommit: 'remote_apply' })
  await write(primary, 1)
  t.strictSame(await rows(standby), [{ n: 1 }], 'an acknowledged commit can be read at the standby')
  standby.cutReplication()
  const waiting = write(primary, 2)
  t.equal(await Promise.race([waiting.then(() => 'committed'), delay(1000, 'waiting')]), 'waiting')
  standby.restoreReplication()
  await waiting
  t.strictSame(await rows(standby), [{ n: 1 }, { n: 2 }])
})
