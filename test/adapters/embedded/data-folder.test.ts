import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { builtTemplate, createCluster, createDataFolder } from '../../../src/adapters/embedded/data-folder.js'
import { testFolder } from '../../support/database.js'

t.test('only this user can read the data folder and its files', async (t) => {
  const folder = join(await testFolder(t), 'deep', 'data')
  await createDataFolder(folder)
  await createDataFolder(folder)
  const cluster = await createCluster(folder, builtTemplate)
  for (const path of [folder, cluster, join(cluster, 'base'), join(cluster, 'PG_VERSION')]) {
    t.equal((await stat(path)).mode & 0o077, 0, path)
  }
})

t.test('an existing cluster stays unchanged', async (t) => {
  const folder = await testFolder(t)
  await mkdir(join(folder, 'postgres'))
  t.equal(await createCluster(folder, 'unread'), join(folder, 'postgres'))
  t.same(await readdir(join(folder, 'postgres')), [])
})

t.test('a cluster that was left half unpacked is unpacked again, whole', async (t) => {
  const folder = await testFolder(t)
  const unfinished = join(folder, 'postgres.unfinished')
  await mkdir(join(unfinished, 'base'), { recursive: true })
  await writeFile(join(unfinished, 'PG_VERSION'), 'half')
  const cluster = await createCluster(folder, builtTemplate)
  t.match(await readFile(join(cluster, 'PG_VERSION'), 'utf8'), /^\d+\n$/)
  t.same(await readdir(folder), ['postgres'])
})

t.test('a missing or damaged template leaves no cluster, and the error says how to build one', async (t) => {
  const folder = await testFolder(t)
  const damaged = join(folder, 'damaged')
  await writeFile(damaged, (await readFile(builtTemplate)).subarray(0, 10_000))
  for (const unusable of [join(folder, 'missing'), damaged]) {
    await t.rejects(createCluster(folder, unusable), /npm run build/)
  }
  t.same(await readdir(folder), ['damaged'])
})
