import t from 'tap'
import { testFolder } from '../../support/database.js'
import { until } from '../../support/faults/crowd.js'
import { cannotRunDatabase, emptyDatabase } from '../../support/faults/empty-database.js'
import { instanceSettings } from '../../support/faults/fleet-settings.js'
import { Device } from '../../support/processes/device.js'
import { quickSettings, startService } from '../../support/processes/process.js'
import { expectPushedEnd } from '../../support/processes/pushed-end.js'
import { cannotRunRedis, startRedis, startSentinel } from '../../support/redis/redis-servers.js'

t.setTimeout(300_000)

const skip = cannotRunRedis || cannotRunDatabase

t.test('limits and notices survive the failover of a Redis that Sentinels watch', { skip }, async (t) => {
  const primary = await startRedis(t)
  const replica = await startRedis(t, [`replicaof 127.0.0.1 ${primary.port}`])
  const sentinels = await Promise.all([0, 1, 2].map(() => startSentinel(t, primary, 2)))
  await until(async () => {
    const known = await Promise.all(
      sentinels.map((sentinel) => sentinel.command('sentinel', 'ckquorum', 'mymaster').catch(String))
    )
    const replicas = await Promise.all(
      sentinels.map((sentinel) => sentinel.command('sentinel', 'replicas', 'mymaster'))
    )
    return (
      known.every((answer) => /^OK 3/.test(String(answer))) &&
      replicas.every((list) => Array.isArray(list) && list.length === 1)
    )
  })
  const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')
  const settings = {
    ...quickSettings,
    ...instanceSettings,
    DATA_DIR: await testFolder(t),
    DATABASE_URL: await emptyDatabase(t),
    REDIS_URL: `redis-sentinel://${hosts}/mymaster`,
    RATE_LIMIT_ENABLED: 'true',
    LOG_LEVEL: 'info'
  }
  const [a, b] = await Promise.all([startService(t, settings), startService(t, settings)])
  const limits = async (server: typeof primary) => Number(await server.command('dbsize'))

  const subscribers = async (server: typeof primary) => {
    const [, count] = [await server.command('pubsub', 'numsub', 'latchkey:revocation:https://auth.test')].flat()
    return Number(count)
  }
  await until(async () => (await subscribers(primary)) === 2)
  await expectPushedEnd(t, a.url, b.url, 'before@example.com')
  t.ok((await limits(primary)) > 0, 'limits are counted in the primary')

  await primary.kill()
  const during = new Device(a.url)
  t.equal((await during.signIn('/register', 'during@example.com')).status, 201, 'requests are served meanwhile')
  await until(async () => String(await replica.command('role')).startsWith('master'))
  await until(async () => (await subscribers(replica)) === 2)
  await expectPushedEnd(t, b.url, a.url, 'after@example.com')
  await replica.command('flushall')
  await until(async () => {
    await new Device(a.url).signIn('/login', 'during@example.com')
    return (await limits(replica)) > 0
  })

  const { stdout } = await a.stop()
  t.match(stdout, /"Redis is lost: .*/)
  t.match(stdout, /"Redis is back: .*/)
})
