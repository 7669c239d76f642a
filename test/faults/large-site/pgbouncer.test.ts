import t, { type Test } from 'tap'
import { connectionPool } from '../../../src/adapters/prisma/connection-pool.js'
import { testFolder } from '../../support/database.js'
import { until } from '../../support/faults/crowd.js'
import { type Fleet, startFleet } from '../../support/faults/fleet.js'
import { instanceSettings } from '../../support/faults/fleet-settings.js'
import { cannotRunPgbouncer, startPgbouncer } from '../../support/faults/pgbouncer.js'
import { startPostgres } from '../../support/faults/postgres-cluster.js'
import { Device } from '../../support/processes/device.js'
import { latchkey, quickSettings, startService } from '../../support/processes/process.js'

t.setTimeout(300_000)

const redisUrl = process.env.TEST_REDIS_URL
const settings = { ...quickSettings, ...instanceSettings }
const copyAt = (url: string, { accessToken, refreshToken, sessionId }: Device) =>
  Object.assign(new Device(url), { accessToken, refreshToken, sessionId })

t.test('46: behind PgBouncer in transaction mode', { skip: cannotRunPgbouncer }, async (t) => {
  const cluster = await startPostgres(t)

  for (const [name, redis] of Object.entries({ 'the database': undefined, Redis: redisUrl })) {
    const skip = name === 'Redis' && redis === undefined && 'TEST_REDIS_URL is not set'
    await t.test(
      `with DATABASE_DIRECT_URL, notices by ${name} reach everybody within a second`,
      { skip },
      async (t) => {
        const databaseUrl = await startPgbouncer(t, cluster)
        const fleet = await startFleet(t, databaseUrl, { directUrl: cluster.url, redisUrl: redis })
        const [a, b] = fleet.instances

        const email = `${redis === undefined ? 'ada' : 'grace'}@example.com`
        const device = new Device(a)
        t.equal((await device.signIn('/register', email)).status, 201)
        const elsewhere = copyAt(b, device)
        t.equal((await elsewhere.refresh()).status, 200)
        await expectAll(fleet, elsewhere, 'accepted')
        t.equal((await elsewhere.send('POST', '/logout')).status, 204)
        await refusedWithinASecond(t, fleet, elsewhere)

        t.equal((await device.signIn('/login', email)).status, 200)
        await expectAll(fleet, device, 'accepted')
        const urls = { DATABASE_URL: databaseUrl, DATABASE_DIRECT_URL: cluster.url }
        const rotated = await latchkey(['key', 'rotate', '--revoke-old'], { ...settings, ...urls })
        t.equal(rotated.code, 0, rotated.stderr)
        await refusedWithinASecond(t, fleet, device)
        t.equal((await copyAt(b, device).refresh()).status, 200, 'the session lives on')
      }
    )
  }

  await t.test('without DATABASE_DIRECT_URL the log says what to do, and revocations arrive by reading', async (t) => {
    // As somebody would set it who reads only the errors of PgBouncer.
    const ignored = 'statement_timeout, lock_timeout, idle_in_transaction_session_timeout'
    const databaseUrl = await startPgbouncer(t, cluster, { ignore_startup_parameters: ignored })
    const own = { ...settings, DATA_DIR: await testFolder(t), DATABASE_URL: databaseUrl }
    const [a, b] = await Promise.all([startService(t, own), startService(t, own)])
    const isConnected = async () =>
      /latchkey_feed_connected (\d)/.exec(await (await fetch(`${b.url}/metrics`)).text())?.[1]
    t.equal(await isConnected(), '0')

    const device = new Device(a.url)
    t.equal((await device.signIn('/register', 'linus@example.com')).status, 201)
    const elsewhere = copyAt(b.url, device)
    t.equal((await elsewhere.send('GET', '/me')).status, 200)
    t.equal((await device.send('POST', '/logout')).status, 204)
    const ended = performance.now()
    await until(async () => (await elsewhere.send('GET', '/me')).status === 401)
    t.ok(performance.now() - ended < 1000, `refused after ${Math.round(performance.now() - ended)} ms`)
    t.equal(await isConnected(), '0')

    await until(async () => b.printed().includes('DATABASE_DIRECT_URL'))
    const { stdout } = await b.stop()
    const lines = stdout.split('\n').filter((line) => line.includes('DATABASE_DIRECT_URL'))
    t.equal(lines.length, 1, stdout)
    t.match(lines[0], /pooler in transaction mode/)
  })
})

t.test(
  'statements are prepared on connections to the server, and not behind PgBouncer',
  { skip: cannotRunPgbouncer },
  async (t) => {
    const cluster = await startPostgres(t)
    const bouncer = await startPgbouncer(t, cluster, { default_pool_size: '1' })
    const preparedThrough = async (url: string) => {
      const { pool, prepareIfDirect, close } = connectionPool({ connectionString: url, max: 1 }, 5)
      await prepareIfDirect()
      t.same((await pool.query({ text: '/* prepared */ SELECT 7 AS value' })).rows, [{ value: 7 }])
      const { rowCount } = await pool.query({ text: 'SELECT FROM pg_prepared_statements' })
      await close()
      return rowCount
    }
    t.equal(await preparedThrough(bouncer), 0)
    t.equal(await preparedThrough(cluster.url), 1)
  }
)

async function expectAll(fleet: Fleet, { accessToken }: Device, expected: string): Promise<void> {
  await until(async () => {
    const judgements = await Promise.all(fleet.guards.map(({ judge }) => judge(accessToken)))
    return judgements.every((judgement) => judgement === expected)
  })
}

async function refusedWithinASecond(t: Test, fleet: Fleet, device: Device): Promise<void> {
  const ended = performance.now()
  await expectAll(fleet, device, 'refused')
  const took = Math.round(performance.now() - ended)
  t.ok(took < 1000, `every guard refuses after ${took} ms`)
}
