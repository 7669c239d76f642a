import { readdir } from 'node:fs/promises'
import t from 'tap'
import { separateRoles } from '../support/adapters/roles.js'
import { commandLine } from '../support/cli/command-line.js'
import { onServer, serverUrl, testFolder } from '../support/database.js'
import { Device } from '../support/processes/device.js'
import {
  freshDatabase,
  latchkey,
  processTestMilliseconds,
  quickSettings,
  startService
} from '../support/processes/process.js'

t.setTimeout(processTestMilliseconds)

const ROOT_SECRET = 'a root secret for tests of more than 32 bytes'

t.test('latchkey migrate on the embedded database needs no secret, also in production, and makes none', async (t) => {
  const settings = { DATA_DIR: await testFolder(t), NODE_ENV: 'production' }
  t.match(await latchkey(['migrate'], settings), { code: 0, stdout: 'The database is up to date.\n' })
  t.notOk((await readdir(settings.DATA_DIR)).includes('root-secret'))
})

t.test('with MIGRATE=off a service on an empty embedded database refuses to start', async (t) => {
  const settings = { ...quickSettings, DATA_DIR: await testFolder(t), MIGRATE: 'off' }
  const refused = await latchkey(['serve'], settings)
  t.equal(refused.code, 1)
  t.match(
    refused.stderr,
    /^MIGRATE is off, and the schema "public" of the database lacks the migration \d+_initial and \d+ more: run "latchkey migrate" first\.\n$/
  )
  t.equal((await latchkey(['migrate'], settings)).code, 0)
  const service = await startService(t, settings)
  t.equal((await new Device(service.url).signIn('/register', 'ada@example.com')).status, 201)
})

if (serverUrl === undefined) {
  t.pass('migrations of a server', { skip: 'TEST_DATABASE_URL is not set' })
} else {
  t.test('an owner migrates, and a role that may only read and write rows serves', async (t) => {
    const { schema, owner, server } = await separateRoles(t)
    const dataDir = await testFolder(t)
    const settings = { ...quickSettings, DATA_DIR: dataDir, DATABASE_URL: server, ROOT_SECRET, MIGRATE: 'off' }

    const early = await latchkey(['serve'], settings)
    t.equal(early.code, 1)
    t.match(
      early.stderr,
      /^MIGRATE is off, and the schema "\w+" of the database lacks the migration \d+_initial and \d+ more: .*\n$/
    )

    const migrated = await latchkey(['migrate'], { DATABASE_URL: owner, DATA_DIR: dataDir, NODE_ENV: 'production' })
    t.match(migrated, { code: 0, stdout: 'The database is up to date.\n', stderr: /_initial: applying\.\n/ })
    t.strictSame(await readdir(dataDir), [], 'no secret is made')
    const keys = await onServer((client) => client.query(`SELECT 1 FROM ${schema}."signing_key"`))
    t.equal(keys.rowCount, 0, 'no key is made')
    const again = await commandLine(['migrate'], { environment: { DATABASE_URL: owner } })
    t.match(again, { exitCode: 0, stderr: '' }, 'nothing is left to apply')

    const service = await startService(t, settings)
    const device = new Device(service.url)
    t.equal((await device.signIn('/register', 'ada@example.com')).status, 201)
    t.equal((await device.refresh()).status, 200)
    t.equal((await device.changePassword('correct horse battery staple', 'another good password')).status, 200)
    t.equal((await device.send('DELETE', '/sessions?all=true')).status, 200)
    t.equal((await fetch(`${service.url}/readyz`)).status, 200)
    for (const words of ['user list', 'session list', 'key rotate --revoke-old', 'session revoke-all --everybody']) {
      t.equal((await commandLine(words.split(' '), { environment: settings })).exitCode, 0, words)
    }
    const { stdout } = await service.stop()
    t.notMatch(stdout, /permission denied|must be owner/)
  })

  t.test('a service with MIGRATE=off refuses to start while a migration is missing', async (t) => {
    const database = await freshDatabase(t, 'server')
    const settings = { ...database, ROOT_SECRET, MIGRATE: 'off' }
    t.equal((await commandLine(['migrate'], { environment: settings })).exitCode, 0)
    const schema = new URL(database.DATABASE_URL ?? '').searchParams.get('schema')
    await onServer((client) =>
      client.query(`DELETE FROM ${schema}."_prisma_migrations" WHERE "migration_name" = '20261127010000_key_used'`)
    )
    const stderr = `MIGRATE is off, and the schema "${schema}" of the database lacks the migration 20261127010000_key_used: run "latchkey migrate" first.\n`
    t.match(await latchkey(['serve'], settings), { code: 1, stdout: '', stderr })
    t.match(await commandLine(['user', 'list'], { environment: settings }), { exitCode: 1, stdout: '', stderr })
  })
}
