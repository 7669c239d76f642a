import { execFile } from 'node:child_process'
import { mkdir, readFile, symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { onServer, serverUrl, testFolder, testServerDatabase } from '../support/database.js'
import { Device, password } from '../support/processes/device.js'
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

const rowsOfHost = `
  CREATE TABLE "user" ("id" UUID PRIMARY KEY);
  CREATE TABLE "note" ("user_id" UUID REFERENCES "user" ("id") ON DELETE CASCADE);
  CREATE TABLE "cascading" ("user_id" UUID REFERENCES latchkey."user" ("id") ON DELETE CASCADE);
  CREATE TABLE "refusing" ("user_id" UUID REFERENCES latchkey."user" ("id"));
  INSERT INTO "user" SELECT "id" FROM latchkey."user"; INSERT INTO "note" SELECT "id" FROM latchkey."user";
  INSERT INTO "cascading" SELECT "id" FROM latchkey."user";
  INSERT INTO "refusing" SELECT "id" FROM latchkey."user" WHERE "email" = 'bob@example.com'`

t.test(
  "a host's rows go with the user by a foreign key that cascades, and else by the statement of docs/own-prisma.md",
  onlyWithServer,
  async (t) => {
    const url = await testServerDatabase(t)
    const service = await start(t, url, await testFolder(t))
    const [ada, bob, eve] = [new Device(service.url), new Device(service.url), new Device(service.url)]
    for (const [name, device] of Object.entries({ ada, bob, eve })) {
      t.equal((await device.signIn('/register', `${name}@example.com`)).status, 201)
    }
    await onServer((client) => client.query(rowsOfHost), url)
    const cleanUp = await blockOf('docs/own-prisma.md', 'WHERE NOT EXISTS')
    const removed = () => onServer(async (client) => (await client.query(cleanUp)).rowCount, url)
    const left = (table: string) => onServer(async (client) => (await client.query(`TABLE "${table}"`)).rowCount, url)

    t.equal(await removed(), 0, 'nobody is deleted')
    t.equal((await ada.send('DELETE', '/me', { password })).status, 204)
    t.strictSame([await left('cascading'), await left('note')], [2, 3])
    t.equal(await removed(), 1)
    t.equal(await left('note'), 2)

    t.equal((await bob.send('DELETE', '/me', { password })).status, 500, 'a foreign key that does not cascade')
    t.equal((await bob.send('GET', '/me')).status, 200, 'nothing of the user is deleted')
    t.equal((await eve.send('DELETE', '/me', { password })).status, 204)
  }
)
