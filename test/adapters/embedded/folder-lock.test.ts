import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { lockFolder } from '../../../src/adapters/embedded/folder-lock.js'
import { testFolder } from '../../support/database.js'

const lockModule = new URL('../../../src/adapters/embedded/folder-lock.js', import.meta.url).href

/**
 * Another process that takes the lock, says so, and goes on with `then`: by default it lives as long
 * as its standard input, so that a test that is killed leaves nothing behind.
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
  const [said] = await once(child.stdout, 'data')
  t.equal(String(said), 'locked')
  return child
}

async function killed(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

t.test('one holder at a time, and the next when it has let go', async (t) => {
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

t.test('another process has it until it is killed, and then at once it is free', async (t) => {
  const folder = await testFolder(t)
  for (let round = 0; round < 3; round += 1) {
    const child = await holder(t, folder)
    t.equal(await lockFolder(folder), undefined)
    await killed(child)
    const lock = await lockFolder(folder)
    t.ok(lock)
    await lock?.release()
  }
  t.equal((await readdir(folder)).length, 1, 'what dead holders left is swept')
})

t.test('a holder too busy to answer still has it', async (t) => {
  const folder = await testFolder(t)
  await holder(t, folder, 'for (const end = performance.now() + 20_000; performance.now() < end; ) {}')
  for (let attempt = 0; attempt < 20; attempt += 1) t.equal(await lockFolder(folder), undefined)
})

t.test('of many who take over from a dead holder, one gets it', async (t) => {
  const folder = await testFolder(t)
  for (let round = 0; round < 10; round += 1) {
    await killed(await holder(t, folder))
    const locks = (await Promise.all(Array.from({ length: 20 }, () => lockFolder(folder)))).filter((lock) => lock)
    t.equal(locks.length, 1)
    for (const lock of locks) await lock?.release()
  }
})

t.test('a folder whose path is too long for a socket', async (t) => {
  const folder = join(await testFolder(t), 'x'.repeat(100), 'y'.repeat(100))
  await mkdir(folder, { recursive: true })
  const lock = await lockFolder(folder)
  t.ok(lock)
  t.equal(await lockFolder(folder), undefined)
  await lock?.release()
})

t.test('a folder that is not there, or cannot be written to, is an error', async (t) => {
  await t.rejects(lockFolder(join(await testFolder(t), 'missing')))
})

t.test('the lock keeps no process alive', async (t) => {
  const folder = await testFolder(t)
  const child = await holder(t, folder, '')
  if (child.exitCode === null) await once(child, 'exit')
  t.equal(child.exitCode, 0)
})
