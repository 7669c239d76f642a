import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { builtTemplate, makeCluster, makeDataFolder } from '../../../src/adapters/embedded/data-folder.js'
import { testFolder } from '../../support/database.js'

t.test('the data folder and all in it are for this user alone', async (t) => {
  const folder = join(await testFolder(t), 'deep', 'data')
  await makeDataFolder(folder)
  await makeDataFolder(folder)
  const cluster = await makeCluster(folder, builtTemplate)
  for (const path of [folder, cluster, join(cluster, 'base'), join(cluster, 'PG_VERSION')]) {
    t.equal((await stat(path)).mode & 0o077, 0, path)
  }
})

t.test('a cluster that is there stays as it is', async (t) => {
  const folder = await testFolder(t)
  await mkdir(join(folder, 'postgres'))
  t.equal(await makeCluster(folder, 'unread'), join(folder, 'postgres'))
  t.same(await readdir(join(folder, 'postgres')), [])
})

t.test('what was left half unpacked is made anew, whole', async (t) => {
  const folder = await testFolder(t)
  const unfinished = join(folder, 'postgres.unfinished')
  await mkdir(join(unfinished, 'base'), { recursive: true })
  await writeFile(join(unfinished, 'PG_VERSION'), 'half')
  const cluster = await makeCluster(folder, builtTemplate)
  t.match(await readFile(join(cluster, 'PG_VERSION'), 'utf8'), /^\d+\n$/)
  t.same(await readdir(folder), ['postgres'])
})

t.test('a template that is missing or damaged leaves no cluster, and says what makes one', async (t) => {
  const folder = await testFolder(t)
  const damaged = join(folder, 'damaged')
  await writeFile(damaged, (await readFile(builtTemplate)).subarray(0, 10_000))
  for (const unusable of [join(folder, 'missing'), damaged]) {
    await t.rejects(makeCluster(folder, unusable), /npm run build/)
  }
  t.same(await readdir(folder), ['damaged'])
})
