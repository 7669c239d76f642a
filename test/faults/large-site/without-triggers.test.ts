import t from 'tap'
import { onServer, testFolder } from '../../support/database.js'
import { cannotRunDatabase, emptyDatabase } from '../../support/faults/empty-database.js'
import { instanceSettings } from '../../support/faults/fleet-settings.js'
import { Device } from '../../support/processes/device.js'
import { latchkey, quickSettings, startService } from '../../support/processes/process.js'
import { expectPushedEnd, refusedAfter } from '../../support/processes/pushed-end.js'
import { cannotRunRedis, startRedis } from '../../support/redis/redis-servers.js'

t.setTimeout(300_000)

const triggers = ['20261122010000_revocation_feed', '20261122020000_signing_key_notice']

t.test(
  'a database without triggers is migrated as docs/migrations.md says, and Redis carries the notices',
  { skip: cannotRunRedis || cannotRunDatabase },
  async (t) => {
    const databaseUrl = await emptyDatabase(t)
    const settings = {
      ...quickSettings,
      ...instanceSettings,
      DATA_DIR: await testFolder(t),
      DATABASE_URL: databaseUrl,
      MIGRATE: 'off'
    }
    const migrated = await latchkey(['migrate', ...triggers.flatMap((name) => ['--mark-applied', name])], settings)
    t.equal(migrated.code, 0)
    const schema = new URL(databaseUrl).searchParams.get('schema') ?? 'latchkey'
    const { rows } = await onServer(
      (client) =>
        client.query(
          `SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
            WHERE c.relnamespace = $1::regnamespace AND NOT t.tgisinternal`,
          [schema]
        ),
      databaseUrl
    )
    t.strictSame(rows, [], 'there is no trigger')

    const withRedis = { ...settings, REDIS_URL: (await startRedis(t)).url }
    const [a, b] = await Promise.all([startService(t, withRedis), startService(t, withRedis)])
    t.equal((await fetch(`${a.url}/readyz`)).status, 200)
    await expectPushedEnd(t, a.url, b.url, 'ada@example.com')
    await expectPushedEnd(t, b.url, a.url, 'bob@example.com')

    const device = new Device(b.url)
    t.equal((await device.signIn('/register', 'eve@example.com')).status, 201)
    t.equal((await latchkey(['key', 'rotate', '--revoke-old'], settings)).code, 0)
    const milliseconds = await refusedAfter(device)
    t.ok(
      milliseconds < 2000,
      `keys are read every second, and a revoked one is refused after ${Math.round(milliseconds)} ms`
    )
  }
)
