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

  await t.test('8: it restarts under load: announced 503s, then all goes on unaided', async (t) => {
    crowd.start()
    await crowd.served(40)
    await cluster.restart()
    await crowd.served(100)
    const { wrong, broken, announced, served } = await crowd.stop()
    t.strictSame({ wrong, broken }, { wrong: [], broken: 0 }, `${served} served, ${announced} announced`)
    await ready()
    await expectNobodySignedOut(t, crowd)
  })

  await t.test('8: while it is down it is 503, also for /readyz, and afterwards 200', async (t) => {
    await cluster.stop()
    const { status: down, retryAfter } = await new Device(url).signIn('/login', 'ada@example.com')
    t.equal(down, 503)
    t.match(retryAfter, /^[1-9]\d*$/)
    t.equal(await status(`${url}/readyz`), 503)
    t.equal(await status(`${url}/healthz`), 200, 'it is alive: nobody should restart it for that')
    await cluster.start()
    await ready()
    await expectNobodySignedOut(t, crowd)
  })

  await t.test('9: it becomes read-only: 503, no token, and /readyz says so', async (t) => {
    await cluster.sql('ALTER SYSTEM SET default_transaction_read_only = on')
    await cluster.sql('SELECT pg_reload_conf()')
    await until(async () => (await status(`${url}/readyz`)) === 503)
    crowd.start()
    await until(async () => crowd.tally.announced >= 20)
    const { served, wrong } = await crowd.stop()
    t.strictSame({ served, wrong }, { served: 0, wrong: [] })
    await cluster.sql('ALTER SYSTEM RESET default_transaction_read_only')
    await cluster.sql('SELECT pg_reload_conf()')
    await ready()
    await expectNobodySignedOut(t, crowd)
  })

  await t.test('10: its connections are exhausted: a fast 503, also for /readyz', async (t) => {
    const hoard: pg.Client[] = []
    const others = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'latchkey'`
    t.teardown(() => Promise.all(hoard.map((client) => client.end())))
    const [first] = [await connection(cluster.url)]
    hoard.push(first)
    await until(async () => {
      await first.query(others)
      return takeAll(hoard, cluster.url, 30)
    })
    crowd.start()
    await until(async () => crowd.tally.announced >= 40)
    const { served, wrong, slowestAnnounced } = await crowd.stop()
    t.strictSame({ served, wrong }, { served: 0, wrong: [] })
    t.ok(slowestAnnounced < 8000, `the slowest 503 took ${Math.round(slowestAnnounced)} ms`)
    t.equal(await status(`${url}/readyz`), 503)
    await Promise.all(hoard.splice(0).map((client) => client.end()))
    await ready()
    await expectNobodySignedOut(t, crowd)
  })

  await t.test('11: it takes five seconds: a time-out, and nothing of it is committed', async (t) => {
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

  await t.test('11: the way to it takes five seconds: a time-out, and the retry gets one successor', async (t) => {
    const [, device] = crowd.devices
    const held = device?.generation ?? 0
    // Past the grace, so that the refresh rotates.
    await cluster.sql(`UPDATE session SET rotated_at = rotated_at - interval '1 minute'`)
    relay.delayAnswers(5000)
    t.equal((await device?.refresh())?.status, 503)
    relay.delayAnswers(0)
    await ready()
    t.equal((await device?.refresh())?.status, 200)
    t.equal(device?.generation, held + 1)
    await expectNobodySignedOut(t, crowd)
  })

  for (const [statement, path, again] of [
    ['COMMIT', '/register', 409],
    ['UPDATE session', '/refresh', 200]
  ] as const) {
    await t.test(
      `12: the answer to its ${statement} is lost: no success is told, and ${path} can be repeated`,
      async (t) => {
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
      }
    )
  }
})

async function connection(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** Takes what connections it gets; whether these are all that there are. */
async function takeAll(hoard: pg.Client[], url: string, all: number): Promise<boolean> {
  while (hoard.length < all) {
    try {
      hoard.push(await connection(url))
    } catch {
      return false
    }
  }
  return true
}
