import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { lockFolder } from '../../../src/adapters/embedded/folder-lock.js'
import { testFolder } from '../../support/database.js'

const lockModule = new URL('../../../src/adapters/embedded/folder-lock.js', import.meta.url).href

/**
 * Starts a process that takes the lock, reports that, and then runs `then`. By default it lives as long as its standard
 * input, so that it ends if the test is killed.
 */
async function holder(t: Test, folder: string, then = 'process.stdin.resume()'): Promise<ChildProcess> {
  const script = `import { lockFolder } from '${lockModule}'
    const lock = await lockFolder(${JSON.stringify(folder)})
    process.stdout.write(lock ? 'locked' : 'taken')
    ${then}`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  t.teardown(() => child.kill('SIGKILL'))
  const [output] = await once(child.stdout, 'data')
  t.equal(String(output), 'locked')
  return child
}

async function killed(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

t.test('a folder has one holder at a time, and can be locked again after release', async (t) => {
  const folder = await testFolder(t)
  const lock = await lockFolder(folder)
  t.ok(lock)
  t.equal(await lockFolder(folder), undefined)
  await lock?.release()
  const next = await lockFolder(folder)
  t.ok(next)
  t.equal(await lockFolder(folder), undefined)
  await next?.release()
})

t.test('a process holds the lock until it is killed, and then the folder is free at once', async (t) => {
  const folder = await testFolder(t)
  for (let round = 0; round < 3; round += 1) {
    const child = await holder(t, folder)
    t.equal(await lockFolder(folder), undefined)
    await killed(child)
    const lock = await lockFolder(folder)
    t.ok(lock)
    await lock?.release()
  }
  t.equal((await readdir(folder)).length, 1, 'the files of dead holders are removed')
})

t.test('a holder that is too busy to answer keeps the lock', async (t) => {
  const folder = await testFolder(t)
  await holder(t, folder, 'for (const end = performance.now() + 20_000; performance.now() < end; ) {}')
  for (let attempt = 0; attempt < 20; attempt += 1) t.equal(await lockFolder(folder), undefined)
})

t.test('of many contenders after a dead holder, one gets the lock', async (t) => {
  const folder = await testFolder(t)
  for (let round = 0; round < 10; round += 1) {
    await killed(await holder(t, folder))
    const locks = (await Promise.all(Array.from({ length: 20 }, () => lockFolder(folder)))).filter((lock) => lock)
    t.equal(locks.length, 1)
    for (const lock of locks) await lock?.release()
  }
})

t.test('a folder whose path is too long for a socket can be locked', async (t) => {
  const folder = join(await testFolder(t), 'x'.repeat(100), 'y'.repeat(100))
  await mkdir(folder, { recursive: true })
  const lock = await lockFolder(folder)
  t.ok(lock)
  t.equal(await lockFolder(folder), undefined)
  await lock?.release()
})

t.test('locking a missing folder is an error', async (t) => {
  await t.rejects(lockFolder(join(await testFolder(t), 'missing')))
})

t.test('the lock does not keep a process alive', async (t) => {
  const folder = await testFolder(t)
  const child = await holder(t, folder, '')
  if (child.exitCode === null) await once(child, 'exit')
  t.equal(child.exitCode, 0)
})
