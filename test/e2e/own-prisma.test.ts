import { execFile } from 'node:child_process'
import { mkdir, readFile, symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { MeResponse } from '../../src/http/schemas/account.js'
import { hostTables } from '../support/adapters/host-tables.js'
import { onServer, serverUrl, testFolder, testServerDatabase } from '../support/database.js'
import { Device, password, read } from '../support/processes/device.js'
import { processTestMilliseconds, quickSettings, startService } from '../support/processes/process.js'

t.setTimeout(processTestMilliseconds)

const onlyWithServer = serverUrl === undefined ? { skip: 'needs TEST_DATABASE_URL' } : {}

async function start(t: Parameters<typeof startService>[0], url: string, dataDir: string) {
  return startService(t, { ...quickSettings, DATA_DIR: dataDir, DATABASE_URL: url })
}

async function blockOf(page: string, words: string): Promise<string> {
  const blocks = (await readFile(page, 'utf8')).split('```').filter((_, i) => i % 2 === 1)
  const block = blocks.find((text) => text.includes(words))
  if (block === undefined) throw new Error(`${page} has no block with ${words}.`)
  return block.replace(/^\w+\n/, '')
}

t.test(
  'after docs/own-prisma.md has moved Latchkey out of public, everybody is still signed in',
  onlyWithServer,
  async (t) => {
    const url = await testServerDatabase(t)
    const folder = await testFolder(t)
    const before = await start(t, `${url}?schema=public`, folder)
    const device = new Device(before.url)
    t.equal((await device.signIn('/register', 'ada@example.com')).status, 201)
    await before.stop()
    const host = `CREATE TABLE "Note" ("id" INT);
    INSERT INTO "_prisma_migrations" ("id", "checksum", "migration_name") VALUES ('1', 'x', '20250101000000_host')`
    await onServer((client) => client.query(host), url)

    await mkdir(join(folder, 'node_modules'))
    await symlink(resolve('.'), join(folder, 'node_modules', 'latchkey'))
    const running = promisify(execFile)('psql', [url, '--no-psqlrc', '--quiet'], { cwd: folder })
    running.child.stdin?.end(await blockOf('docs/own-prisma.md', '\\gexec'))
    t.equal((await running).stderr, '')

    const tables = await onServer(
      async (client) =>
        (await client.query(`SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`)).rows,
      url
    )
    t.strictSame(tables, [{ tablename: 'Note' }, { tablename: '_prisma_migrations' }])
    const history = await onServer(
      async (client) => (await client.query('SELECT "migration_name" FROM public."_prisma_migrations"')).rows,
      url
    )
    t.strictSame(history, [{ migration_name: '20250101000000_host' }])
    const after = await start(t, url, folder)
    t.notMatch(after.printed(), /applying/)
    device.url = after.url
    t.equal((await device.refresh()).status, 200)
    t.equal((await device.send('DELETE', '/sessions?all=true')).status, 200)
  }
)

t.test(
  "a host's rows go with the user by a foreign key that cascades, and else by the statement of the page",
  onlyWithServer,
  async (t) => {
    const url = await testServerDatabase(t)
    await onServer((client) => client.query(hostTables), url)
    const service = await start(t, url, await testFolder(t))
    const people = await Promise.all(
      ['ada', 'bob', 'eve'].map(async (name) => {
        const device = new Device(service.url)
        await device.signIn('/register', `${name}@example.com`)
        return { device, ...read(MeResponse, await device.send('GET', '/me')) }
      })
    )
    const rows = people.map(({ id }) => `('${id}')`).join()
    const notes = (table: string) =>
      onServer(
        async (client) => (await client.query(`SELECT "userId" AS id FROM "${table}"`)).rows.map(({ id }) => id),
        url
      )
    const cleanUp = async () => {
      const statement = await blockOf('docs/own-prisma.md', 'WHERE NOT EXISTS')
      await onServer((client) => client.query(statement), url)
    }
    await onServer(
      (client) =>
        client.query(
          `CREATE TABLE "Note" ("userId" UUID); INSERT INTO "Note" VALUES ${rows};
         CREATE TABLE "Cascading" ("userId" UUID REFERENCES latchkey."user" ("id") ON DELETE CASCADE);
         INSERT INTO "Cascading" VALUES ${rows}`
        ),
      url
    )
    const [ada, bob, eve] = people
    if (ada === undefined || bob === undefined || eve === undefined) throw new Error('Somebody is missing.')
    await cleanUp()
    t.equal((await notes('Note')).length, 3, 'nobody is deleted')
    t.equal((await ada.device.send('DELETE', '/me', { password })).status, 204)
    t.strictSame((await notes('Cascading')).sort(), [bob.id, eve.id].sort())
    t.equal((await notes('Note')).length, 3)
    await cleanUp()
    t.strictSame((await notes('Note')).sort(), [bob.id, eve.id].sort())

    await onServer(
      (client) =>
        client.query(
          `CREATE TABLE "Refusing" ("userId" UUID REFERENCES latchkey."user" ("id")); INSERT INTO "Refusing" VALUES ('${bob.id}')`
        ),
      url
    )
    t.equal((await bob.device.send('DELETE', '/me', { password })).status, 500)
    t.equal((await bob.device.send('GET', '/me')).status, 200, 'nothing of the user is deleted')
    t.equal((await eve.device.send('DELETE', '/me', { password })).status, 204)
  }
)
