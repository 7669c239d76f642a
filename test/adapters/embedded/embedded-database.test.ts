import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import t, { type Test } from 'tap'
import { FolderTaken, openEmbeddedDatabase } from '../../../src/adapters/embedded/embedded-database.js'
import { lockFolder } from '../../../src/adapters/embedded/folder-lock.js'
import { upkeep } from '../../../src/adapters/embedded/upkeep.js'
import { sql, testDataFolder, testFolder } from '../../support/database.js'

const embeddedModule = new URL('../../../src/adapters/embedded/embedded-database.js', import.meta.url).href

async function open(t: Test, dataDir: string) {
  const database = await openEmbeddedDatabase({ dataDir })
  t.teardown(() => database.close())
  return database
}

t.test('a locked folder is refused, with its path and what to do', async (t) => {
  const dataDir = await testFolder(t)
  const lock = await lockFolder(dataDir)
  t.teardown(() => lock?.release())
  const second = openEmbeddedDatabase({ dataDir })
  await t.rejects(second, FolderTaken)
  const message = await second.then(
    () => '',
    (error: Error) => error.message
  )
  for (const part of [dataDir, 'DATA_DIR', 'DATABASE_URL']) t.ok(message.includes(part))
})

t.test('after kill -9, and after a close, the next open finds every acknowledged write', async (t) => {
  const dataDir = join(await testFolder(t), 'deep', 'data')
  // The child ends with its standard input, so that it does not write on if the test is killed.
  const script = `import { openEmbeddedDatabase } from '${embeddedModule}'
    process.stdin.on('end', () => process.exit()).resume()
    const database = await openEmbeddedDatabase(${JSON.stringify({ dataDir })})
    for (let written = 1; ; written += 1) {
      await database.run((prisma) => prisma.event.create({ data: { type: 'written' } }))
      process.stdout.write(written + '\\n')
    }`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (data) => (output += data))
  while (output.split('\n').length < 20) await once(child.stdout, 'data')
  await t.rejects(openEmbeddedDatabase({ dataDir }), FolderTaken)
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed

  const database = await open(t, dataDir)
  const [row] = await sql<{ count: bigint }>(database, 'SELECT count(*) AS "count" FROM "event"')
  const acknowledged = output.split('\n').length - 1
  t.ok(Number(row?.count) >= acknowledged, `${row?.count} rows of ${acknowledged} acknowledged`)
  await database.close()

  t.equal((await stat(dataDir)).mode & 0o777, 0o700)
  const again = await open(t, dataDir)
  t.same(await sql(again, 'SELECT count(*) AS "count" FROM "event"'), [row])
})

t.test('a failed open releases the lock of the folder', async (t) => {
  const dataDir = await testFolder(t)
  await t.rejects(openEmbeddedDatabase({ dataDir, template: join(dataDir, 'no-such-template') }))
  const lock = await lockFolder(dataDir)
  t.ok(lock)
  await lock?.release()
})

t.test('upkeep keeps the log short, and frees the space of deleted rows', async (t) => {
  const folder = join(await testDataFolder(t), 'postgres')
  const startParams = [...PGlite.defaultStartParams, '-c', 'max_wal_size=2MB']
  const pglite = await PGlite.create({ dataDir: folder, startParams })
  t.teardown(() => pglite.close())
  const checkpoint = async () => (await pglite.query('SELECT redo_lsn::text FROM pg_control_checkpoint()')).rows
  const before = await checkpoint()
  await upkeep(pglite)
  t.strictSame(await checkpoint(), before, 'nothing was written, so nothing is done')

  for (let rounds = 0; rounds < 2; rounds += 1) {
    await pglite.exec(`INSERT INTO event (type) SELECT repeat('x', 500) FROM generate_series(1, 10000)`)
    await pglite.exec('DELETE FROM event')
    // A backend reports its row counts only when it is idle, or when forced.
    await pglite.exec('SELECT pg_stat_force_next_flush()')
    await upkeep(pglite)
    t.strictSame((await pglite.query(`SELECT pg_relation_size('event')::int AS bytes`)).rows, [{ bytes: 0 }])
  }
  const log = (await readdir(join(folder, 'pg_wal'))).filter((name) => /^[0-9A-F]{24}$/.test(name))
  t.ok(log.length < 20, `${log.length} MB of the log, after twice 12 MB`)
})
