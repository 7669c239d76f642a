import t from 'tap'
import { hashingConcurrency, passwordQueue } from '../../../src/adapters/passwords/password-queue.js'
import { Unavailable } from '../../../src/ports/errors.js'

const source = { network: '192.0.2.1', knownDevice: true }
const full = (seconds: number) => new Unavailable('The password queue is full.', seconds, { answerSlowly: true })

/** Work that ends when the test calls `end`, and the names of the work that has started. */
function controlledWork() {
  const started: string[] = []
  const ends = new Map<string, () => void>()
  const work = (name: string) => () => {
    started.push(name)
    return new Promise<string>((resolve) => ends.set(name, () => resolve(name)))
  }
  const end = async (name: string) => {
    await new Promise(setImmediate)
    ends.get(name)?.()
    await new Promise(setImmediate)
  }
  return { started, work, end }
}

t.test('at most maxRunning run at once, and waiting work keeps its order', async (t) => {
  const { started, work, end } = controlledWork()
  const queue = passwordQueue({ maxRunning: 2, maxWaiting: 10 })
  const results = Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => queue.run(work(name), source)))
  await new Promise(setImmediate)
  t.strictSame(started, ['a', 'b'])
  await end('b')
  t.strictSame(started, ['a', 'b', 'c'])
  const late = queue.run(work('late'), source)
  await end('a')
  await end('c')
  t.strictSame(started, ['a', 'b', 'c', 'd', 'e'], 'the latest work did not overtake')
  await end('d')
  t.equal(started.at(-1), 'late')
  await end('e')
  await end('late')
  t.strictSame(await results, ['a', 'b', 'c', 'd', 'e'])
  t.equal(await late, 'late')
})

t.test('work that arrives when a slot becomes free waits behind work that already waited', async (t) => {
  const { started, work, end } = controlledWork()
  const queue = passwordQueue({ maxRunning: 1, maxWaiting: 10 })
  const first = queue.run(work('first'), source).then(() => queue.run(work('again'), source))
  const second = queue.run(work('second'), source)
  await new Promise(setImmediate)
  await end('first')
  t.strictSame(started, ['first', 'second'])
  await end('second')
  await end('again')
  t.strictSame(await Promise.all([first, second]), ['again', 'second'])
})

t.test(
  'with strangers in all places, a known device waits for one hash, and strangers still get every fourth place',
  async (t) => {
    const { started, work, end } = controlledWork()
    const queue = passwordQueue({ maxRunning: 2, maxWaiting: 10 })
    const names = ['s1', 's2', 's3', 's4', 'k1', 'k2', 'k3', 'k4']
    const all = names.map((name) => queue.run(work(name), { network: name, knownDevice: name.startsWith('k') }))
    await new Promise(setImmediate)
    t.strictSame(started, ['s1', 's2'])
    for (const name of ['s2', 'k1', 'k2', 's1']) await end(name)
    t.strictSame(started.slice(2), ['k1', 'k2', 'k3', 's3'])
    for (const name of ['k3', 's3', 'k4', 's4']) await end(name)
    t.strictSame(await Promise.all(all), names)
  }
)

t.test('a full queue refuses with Retry-After and still runs the work that waits', async (t) => {
  const { started, work, end } = controlledWork()
  const queue = passwordQueue({ maxRunning: 1, maxWaiting: 2 })
  await queue.requireRoom(source)
  const admitted = [queue.run(work('a'), source), queue.run(work('b'), source), queue.run(work('c'), source)]
  await t.rejects(queue.requireRoom(source), full(1))
  await t.rejects(queue.run(work('d'), source), full(1))
  t.equal(queue.refused(), 2)
  for (const name of ['a', 'b', 'c']) await end(name)
  t.strictSame(await Promise.all(admitted), ['a', 'b', 'c'])
  t.notOk(started.includes('d'))
  const afterwards = queue.run(work('e'), source)
  await end('e')
  t.equal(await afterwards, 'e', 'the queue has room again')
})

t.test('retryAfterSeconds follows the duration of recent work', async (t) => {
  let now = 0
  const queue = passwordQueue({ maxRunning: 2, maxWaiting: 4, monotonic: () => now })
  for (let i = 0; i < 50; i++) {
    await queue.run(async () => {
      now += 3000
    }, source)
  }
  const { work, end } = controlledWork()
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const admitted = names.map((name) => queue.run(work(name), source))
  await t.rejects(queue.run(work('g'), source), full(8), '(4 waiting + itself) × 3 s / 2 at once')
  for (const name of names) await end(name)
  await Promise.all(admitted)
})

t.test('failed work frees its slot, and its error reaches the caller', async (t) => {
  const queue = passwordQueue({ maxRunning: 1, maxWaiting: 1 })
  const failed = queue.run(() => Promise.reject(new Error('no')), source)
  const next = queue.run(async () => 'served', source)
  await t.rejects(failed, { message: 'no' })
  t.equal(await next, 'served')
  await t.rejects(
    queue.run(() => {
      throw new Error('at once')
    }, source),
    { message: 'at once' }
  )
  t.equal(await queue.run(async () => 'served again', source), 'served again')
})

t.test("hashing uses at most one thread per core, and on libuv's pool it leaves one thread free", async (t) => {
  t.equal(hashingConcurrency(16), 3)
  t.equal(hashingConcurrency(2), 2)
  t.equal(hashingConcurrency(16, 9), 8)
  t.equal(hashingConcurrency(1, 1), 1)
})

t.test('load is how much work runs and waits now', async (t) => {
  const { work, end } = controlledWork()
  const queue = passwordQueue({ maxRunning: 1, maxWaiting: 10 })
  const all = Promise.all([queue.run(work('a'), source), queue.run(work('b'), source), queue.run(work('c'), source)])
  t.strictSame(queue.load(), { running: 1, waiting: 2 })
  for (const name of ['a', 'b', 'c']) await end(name)
  await all
  t.strictSame(queue.load(), { running: 0, waiting: 0 })
})
