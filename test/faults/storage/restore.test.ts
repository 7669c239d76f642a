import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { testFolder } from '../../support/database.js'
import { cannotRunPostgres, startPostgres } from '../../support/faults/postgres-cluster.js'
import { Device } from '../../support/processes/device.js'
import { latchkey, quickSettings, startService } from '../../support/processes/process.js'

t.setTimeout(600_000)

const run = promisify(execFile)

t.test(
  '43: after a restore nobody is signed out, and sessions that were revoked since the backup can be ended again',
  { skip: cannotRunPostgres },
  async (t) => {
    const cluster = await startPostgres(t)
    const settings = {
      ...quickSettings,
      DATA_DIR: await testFolder(t),
      DATABASE_URL: cluster.url,
      REFRESH_GRACE_SECONDS: '1'
    }
    const first = await startService(t, settings)
    const honest = new Device(first.url)
    const stolen = new Device(first.url)
    const lost = new Device(first.url)
    await honest.signIn('/register', 'ada@example.com')
    await stolen.signIn('/register', 'eve@example.com')
    await lost.signIn('/login', 'eve@example.com')
    const refreshHonest = async () => {
      await cluster.sql(`UPDATE session SET rotated_at = rotated_at - interval '1 minute'`)
      t.equal((await honest.refresh()).status, 200)
    }
    await refreshHonest()

    const dump = `${settings.DATA_DIR}/dump.sql`
    await run('pg_dump', ['--clean', '--if-exists', '--file', dump, cluster.url])
    // After the backup the honest device refreshes, and Eve's sessions are ended.
    for (let refreshes = 0; refreshes < 3; refreshes += 1) await refreshHonest()
    const held = honest.generation
    t.equal((await latchkey(['session', 'revoke-all', '--user', 'eve@example.com'], settings)).code, 0)
    t.equal((await stolen.refresh()).status, 401)

    await first.stop()
    await run('psql', ['--quiet', '--set', 'ON_ERROR_STOP=1', '--file', dump, cluster.url])
    const again = await latchkey(['session', 'revoke-all', '--user', 'eve@example.com', '--note', 'restored'], settings)
    t.strictSame({ code: again.code, stdout: again.stdout }, { code: 0, stdout: '2 session(s) have ended.\n' })

    const second = await startService(t, settings)
    for (const device of [honest, stolen, lost]) device.url = second.url
    t.equal((await honest.refresh()).status, 200)
    t.equal(honest.generation, held + 1, 'a token that is newer than its row is accepted, and moves the row forward')
    for (const device of [stolen, lost]) {
      t.equal((await device.refresh()).status, 401)
      t.equal((await device.send('GET', '/me')).status, 401, 'the access token is refused, too')
    }
  }
)
