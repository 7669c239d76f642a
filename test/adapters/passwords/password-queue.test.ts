import t from 'tap'
import { hashingConcurrency, passwordQueue } from '../../../src/adapters/passwords/password-queue.js'
import { Unavailable } from '../../../src/ports/errors.js'

/** Work that ends when the test says so, and notes when it began. */
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

t.test('no more than the concurrency runs at once, and the line keeps its order', async (t) => {
  const { started, work, end } = controlledWork()
  const queue = passwordQueue({ maxRunning: 2, maxWaiting: 10 })
  const results = Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => queue.run(work(name))))
  await new Promise(setImmediate)
  t.strictSame(started, ['a', 'b'])
  await end('b')
  t.strictSame(started, ['a', 'b', 'c'])
  const late = queue.run(work('late'))
  await end('a')
  await end('c')
  t.strictSame(started, ['a', 'b', 'c', 'd', 'e'], 'who came last did not overtake')
  await end('d')
  t.equal(started.at(-1), 'late')
  await end('e')
  await end('late')
  t.strictSame(await results, ['a', 'b', 'c', 'd', 'e'])
  t.equal(await late, 'late')
})

t.test('who comes in the moment a slot is handed on waits behind the one it was handed to', async (t) => {
  const { started, work, end } = controlledWork()
  const queue = passwordQueue({ maxRunning: 1, maxWaiting: 10 })
  const first = queue.run(work('first')).then(() => queue.run(work('again')))
  const second = queue.run(work('second'))
  await new Promise(setImmediate)
  await end('first')
  t.strictSame(started, ['first', 'second'])
  await end('second')
  await end('again')
  t.strictSame(await Promise.all([first, second]), ['again', 'second'])
})

t.test('the line is bounded; the refusal says when to come back and leaves the others alone', async (t) => {
  const { started, work, end } = controlledWork()
  const queue = passwordQueue({ maxRunning: 1, maxWaiting: 2 })
  await queue.requireRoom()
  const admitted = [queue.run(work('a')), queue.run(work('b')), queue.run(work('c'))]
  await t.rejects(queue.requireRoom(), new Unavailable('The password queue is full.', 1))
  await t.rejects(queue.run(work('d')), new Unavailable('The password queue is full.', 1))
  for (const name of ['a', 'b', 'c']) await end(name)
  t.strictSame(await Promise.all(admitted), ['a', 'b', 'c'])
  t.notOk(started.includes('d'))
  const afterwards = queue.run(work('e'))
  await end('e')
  t.equal(await afterwards, 'e', 'the place in line is free again')
})

t.test('whoever is turned away waits for the answer, and holds up nobody', async (t) => {
  const { work, end } = controlledWork()
  let answer = () => {}
  const pause = () => new Promise<void>((resolve) => (answer = resolve))
  const queue = passwordQueue({ maxRunning: 1, maxWaiting: 0, pause })
  const first = queue.run(work('first'))
  let refused = false
  const second = queue.run(work('second')).catch(() => (refused = true))
  await end('first')
  t.equal(await first, 'first')
  t.notOk(refused)
  const third = queue.run(work('third'))
  await end('third')
  t.equal(await third, 'third')
  answer()
  await second
  t.ok(refused)
})

t.test('retryAfterSeconds follows how long the work takes', async (t) => {
  let now = 0
  const queue = passwordQueue({ maxRunning: 2, maxWaiting: 4, monotonic: () => now })
  for (let i = 0; i < 50; i++) {
    await queue.run(async () => {
      now += 3000
    })
  }
  const { work, end } = controlledWork()
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const admitted = names.map((name) => queue.run(work(name)))
  await t.rejects(
    queue.run(work('g')),
    new Unavailable('The password queue is full.', 8),
    '(4 waiting + itself) × 3 s / 2 at once'
  )
  for (const name of names) await end(name)
  await Promise.all(admitted)
})

t.test('work that fails gives its slot back and its error to its caller', async (t) => {
  const queue = passwordQueue({ maxRunning: 1, maxWaiting: 1 })
  const failed = queue.run(() => Promise.reject(new Error('no')))
  const next = queue.run(async () => 'served')
  await t.rejects(failed, { message: 'no' })
  t.equal(await next, 'served')
  await t.rejects(
    queue.run(() => {
      throw new Error('at once')
    }),
    { message: 'at once' }
  )
  t.equal(await queue.run(async () => 'served again'), 'served again')
})

t.test('the concurrency leaves a thread of the pool to others and fits the cores', async (t) => {
  t.equal(hashingConcurrency(16), 3)
  t.equal(hashingConcurrency(2), 2)
  t.equal(hashingConcurrency(16, 9), 8)
  t.equal(hashingConcurrency(1, 1), 1)
})

t.test('its load is how many run and wait at this moment', async (t) => {
  const { work, end } = controlledWork()
  const queue = passwordQueue({ maxRunning: 1, maxWaiting: 10 })
  const all = Promise.all([queue.run(work('a')), queue.run(work('b')), queue.run(work('c'))])
  t.strictSame(queue.load(), { running: 1, waiting: 2 })
  for (const name of ['a', 'b', 'c']) await end(name)
  await all
  t.strictSame(queue.load(), { running: 0, waiting: 0 })
})
