import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { promisify } from 'node:util'
import type { Worker } from 'node:worker_threads'
import bcrypt from 'bcrypt'
import t, { type Test } from 'tap'
import { bcryptThreads } from '../../../src/adapters/passwords/bcrypt-threads.js'

const module = new URL('../../../src/adapters/passwords/bcrypt-threads.js', import.meta.url)

/** A thread that runs this code for each job. */
const threadFile = (onJob: string) =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`
      import { parentPort } from 'node:worker_threads'
      let jobs = 0
      parentPort.on('message', () => { jobs += 1; ${onJob} })`)}`
  )

/** The threads that the process has started since. */
function startedThreads(t: Test): readonly Worker[] {
  const started: Worker[] = []
  const onWorker = (worker: Worker) => started.push(worker)
  process.on('worker', onWorker)
  t.teardown(() => process.off('worker', onWorker))
  return started
}

t.test('threads hash and compare as bcrypt does, and each computes one job after the other', async (t) => {
  const started = startedThreads(t)
  const threads = bcryptThreads({ maxThreads: 2 })
  const hashes = await Promise.all(['a', 'b', 'c'].map((password) => threads.hash(password, 4)))
  t.equal(new Set(hashes).size, 3)
  for (const hash of hashes) t.match(hash, /^\$2b\$04\$.{53}$/)
  t.ok(await bcrypt.compare('b', hashes[1] ?? ''))
  t.ok(await threads.compare('c', hashes[2] ?? ''))
  t.notOk(await threads.compare('c', hashes[1] ?? ''))
  t.notOk(await threads.compare('c', 'of unknown format'))
  t.equal(started.length, 2)
})

t.test('the threads give way to the event loop', { skip: process.platform !== 'linux' }, async (t) => {
  await bcryptThreads({ maxThreads: 1 }).hash('x', 4)
  const own = getPriority(0)
  // The name of the thread ends with a bracket, and the nice value is the 17th word after it.
  const niceValues = readdirSync('/proc/self/task').map((thread) =>
    Number(readFileSync(`/proc/self/task/${thread}/stat`, 'utf8').split(') ')[1]?.split(' ')[16])
  )
  t.ok(niceValues.includes(Math.min(19, own + 10)), `${niceValues}`)
  t.ok(niceValues.includes(own), 'the event loop has the priority of the process')
})

t.test('the threads have no options of the process, so a tracer that it loads is not loaded again', async (t) => {
  const file = threadFile('parentPort.postMessage(JSON.stringify([process.execArgv, process.env]))')
  t.equal(await bcryptThreads({ file }).hash('x', 4), '[[],{}]')
})

t.test('if a thread ends during a job, the job is done elsewhere, and the next one starts a new thread', async (t) => {
  const started = startedThreads(t)
  const file = threadFile("if (jobs === 2) process.exit(); parentPort.postMessage('from a thread')")
  const threads = bcryptThreads({ maxThreads: 1, file })
  t.equal(await threads.hash('x', 4), 'from a thread')
  t.match(await threads.hash('x', 4), /^\$2b\$04\$/)
  t.equal(await threads.hash('x', 4), 'from a thread')
  t.equal(started.length, 2)
})

t.test('if a thread has ended between two jobs, the next job is done all the same', async (t) => {
  const started = startedThreads(t)
  const file = threadFile("parentPort.postMessage('from a thread'); parentPort.close()")
  const threads = bcryptThreads({ maxThreads: 1, file })
  t.equal(await threads.hash('x', 4), 'from a thread')
  const [thread] = started
  thread?.ref()
  if (thread !== undefined) await once(thread, 'exit')
  t.ok(await threads.compare('x', await bcrypt.hash('x', 4)))
})

t.test('where no thread can start, every job is done on the pool of libuv, and no thread is tried again', async (t) => {
  const started = startedThreads(t)
  for (const file of [new URL('data:text/javascript,throw new Error()'), new URL('https://example.test/')]) {
    const threads = bcryptThreads({ maxThreads: 1, file })
    const hash = await threads.hash('x', 4)
    t.match(hash, /^\$2b\$04\$/)
    t.ok(await threads.compare('x', hash))
    t.notOk(await threads.compare('y', hash))
  }
  t.equal(started.length, 1, 'the second file is refused before a thread exists')
})

t.test('a job keeps the process alive, and an idle thread does not', async (t) => {
  const script = `
    const { sharedBcryptThreads: threads } = await import(${JSON.stringify(module.href)})
    console.log(await threads.compare('x', await threads.hash('x', 4)))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
  t.equal(stdout, 'true\n')
})
