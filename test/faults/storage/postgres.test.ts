import pg from 'pg'
import t from 'tap'
import { testFolder } from '../../support/database.js'
import { adminSettings, Crowd, expectNobodySignedOut, status, until } from '../../support/faults/crowd.js'
import { cannotRunPostgres, startPostgres } from '../../support/faults/postgres-cluster.js'
import { startRelay } from '../../support/faults/relay.js'
import { Device } from '../../support/processes/device.js'
import { quickSettings, startService } from '../../support/processes/process.js'

t.setTimeout(900_000)

t.test('a PostgreSQL server that fails in every way', { skip: cannotRunPostgres }, async (t) => {
  const cluster = await startPostgres(t, { max_connections: '30' })
  const relay = await startRelay(t, cluster.url)
  const settings = { ...quickSettings, ...adminSettings, REFRESH_GRACE_SECONDS: '1', DATA_DIR: await testFolder(t) }
  const { url } = await startService(t, { ...settings, DATABASE_URL: cluster.url })
  const { url: behindRelay } = await startService(t, { ...settings, DATABASE_URL: relay.url })
  const crowd = await Crowd.signIn([url, behindRelay], 20)
  const ready = () =>
    until(async () => (await status(`${url}/readyz`)) === 200 && (await status(`${behindRelay}/readyz`)) === 200)

  await t.test('8: after a restart of PostgreSQL under load, the service recovers by itself', async (t) => {
    crowd.start()
    await crowd.served(40)
    await cluster.restart()
    await crowd.served(100)
    const { wrong, broken, unavailable, served } = await crowd.stop()
    t.strictSame({ wrong, broken }, { wrong: [], broken: 0 }, `${served} served, ${unavailable} unavailable`)
    await ready()
    await expectNobodySignedOut(t, crowd)
  })

  await t.test('8: while PostgreSQL is down, requests and /readyz are answered 503, and afterwards 200', async (t) => {
    await cluster.stop()
    const { status: down, retryAfter } = await new Device(url).signIn('/login', 'ada@example.com')
    t.equal(down, 503)
    t.match(retryAfter, /^[1-9]\d*$/)
    await until(async () => (await status(`${url}/readyz`)) === 503)
    t.equal(await status(`${url}/healthz`), 200, 'the service is alive: an orchestrator should not restart it')
    await cluster.start()
    await ready()
    await expectNobodySignedOut(t, crowd)
  })

  await t.test(
    '9: while PostgreSQL is read-only, requests and /readyz are answered 503, and no token is issued',
    async (t) => {
      await cluster.sql('ALTER SYSTEM SET default_transaction_read_only = on')
      await cluster.sql('SELECT pg_reload_conf()')
      await until(async () => (await status(`${url}/readyz`)) === 503)
      crowd.start()
      await until(async () => crowd.tally.unavailable >= 20)
      const { served, wrong } = await crowd.stop()
      t.strictSame({ served, wrong }, { served: 0, wrong: [] })
      await cluster.sql('ALTER SYSTEM RESET default_transaction_read_only')
      await cluster.sql('SELECT pg_reload_conf()')
      await ready()
      await expectNobodySignedOut(t, crowd)
    }
  )

  await t.test('10: without a free connection, requests and /readyz are answered 503 quickly', async (t) => {
    const taken: pg.Client[] = []
    const others = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'latchkey'`
    t.teardown(() => Promise.all(taken.map((client) => client.end())))
    const [first] = [await connection(cluster.url)]
    taken.push(first)
    await until(async () => {
      await first.query(others)
      return takeAll(taken, cluster.url, 30)
    })
    crowd.start()
    await until(async () => crowd.tally.unavailable >= 40)
    const { served, wrong, slowestUnavailable: slowestAnnounced } = await crowd.stop()
    t.strictSame({ served, wrong }, { served: 0, wrong: [] })
    t.ok(slowestAnnounced < 8000, `the slowest 503 took ${Math.round(slowestAnnounced)} ms`)
    await until(async () => (await status(`${url}/readyz`)) === 503)
    await Promise.all(taken.splice(0).map((client) => client.end()))
    await ready()
    await expectNobodySignedOut(t, crowd)
  })

  await t.test('11: a statement that takes five seconds times out, and nothing of it is committed', async (t) => {
    await cluster.sql(`
      CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(5); RETURN NEW; END';
      CREATE TRIGGER slow BEFORE INSERT OR UPDATE ON session FOR EACH ROW EXECUTE FUNCTION slow()`)
    const before = await cluster.sql('SELECT id, generation FROM session ORDER BY id')
    const login = await new Device(url).signIn('/login', 'ada@example.com')
    const refresh = await crowd.devices[0]?.refresh()
    t.strictSame([login.status, refresh?.status], [503, 503])
    await cluster.sql('DROP FUNCTION slow CASCADE')
    t.strictSame(await cluster.sql('SELECT id, generation FROM session ORDER BY id'), before)
    await expectNobodySignedOut(t, crowd)
  })

  await t.test(
    '11: a request times out if the network takes five seconds, and its retry gets one successor',
    async (t) => {
      const [, device] = crowd.devices
      const held = device?.generation ?? 0
      // Past the grace window, so that the refresh rotates.
      await cluster.sql(`UPDATE session SET rotated_at = rotated_at - interval '1 minute'`)
      relay.delayAnswers(5000)
      t.equal((await device?.refresh())?.status, 503)
      relay.delayAnswers(0)
      await ready()
      t.equal((await device?.refresh())?.status, 200)
      t.equal(device?.generation, held + 1)
      await expectNobodySignedOut(t, crowd)
    }
  )

  for (const [statement, path, again] of [
    ['COMMIT', '/register', 409],
    ['UPDATE "latchkey"."session"', '/refresh', 200]
  ] as const) {
    await t.test(`12: if the answer to ${statement} is lost, ${path} answers 503 and can be repeated`, async (t) => {
      const [, device] = crowd.devices
      if (device === undefined) throw new Error('There is no device.')
      await cluster.sql(`UPDATE session SET rotated_at = rotated_at - interval '1 minute'`)
      const held = device.generation
      const ask = () =>
        path === '/refresh' ? device.refresh() : new Device(behindRelay).signIn('/register', 'late@example.com')
      const { lost } = relay
      relay.loseAnswerTo(statement)
      const first = await ask()
      t.equal(relay.lost, lost + 1)
      t.equal(first.status, 503)
      t.ok(first.retryAfter)
      t.equal((await ask()).status, again)
      if (path === '/refresh') t.equal(device.generation, held + 1, 'one successor')
      await expectNobodySignedOut(t, crowd)
    })
  }
})

async function connection(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** Opens connections until `taken` has `all` of them, or until one fails; returns whether it has all. */
async function takeAll(taken: pg.Client[], url: string, all: number): Promise<boolean> {
  while (taken.length < all) {
    try {
      taken.push(await connection(url))
    } catch {
      return false
    }
  }
  return true
}
