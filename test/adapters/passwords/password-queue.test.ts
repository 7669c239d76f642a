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
  const queue = passwordQueue({ concurrency: 2, maxWaiting: 10 })
  const results = Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => queue(work(name))))
  await new Promise(setImmediate)
  t.strictSame(started, ['a', 'b'])
  await end('b')
  t.strictSame(started, ['a', 'b', 'c'])
  const late = queue(work('late'))
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
  const queue = passwordQueue({ concurrency: 1, maxWaiting: 10 })
  const first = queue(work('first')).then(() => queue(work('again')))
  const second = queue(work('second'))
  await new Promise(setImmediate)
  await end('first')
  t.strictSame(started, ['first', 'second'])
  await end('second')
  await end('again')
  t.strictSame(await Promise.all([first, second]), ['again', 'second'])
})

t.test('the line is bounded; the refusal says when to come back and leaves the others alone', async (t) => {
  const { started, work, end } = controlledWork()
  const queue = passwordQueue({ concurrency: 1, maxWaiting: 2 })
  await queue.requireRoom()
  const admitted = [queue(work('a')), queue(work('b')), queue(work('c'))]
  await t.rejects(queue.requireRoom(), new Unavailable('Too many passwords are waiting to be hashed', 1))
  await t.rejects(queue(work('d')), new Unavailable('Too many passwords are waiting to be hashed', 1))
  for (const name of ['a', 'b', 'c']) await end(name)
  t.strictSame(await Promise.all(admitted), ['a', 'b', 'c'])
  t.notOk(started.includes('d'))
  const afterwards = queue(work('e'))
  await end('e')
  t.equal(await afterwards, 'e', 'the place in line is free again')
})

t.test('whoever is turned away waits for the answer, and holds up nobody', async (t) => {
  const { work, end } = controlledWork()
  let answer = () => {}
  const pause = () => new Promise<void>((resolve) => (answer = resolve))
  const queue = passwordQueue({ concurrency: 1, maxWaiting: 0, pause })
  const first = queue(work('first'))
  let refused = false
  const second = queue(work('second')).catch(() => (refused = true))
  await end('first')
  t.equal(await first, 'first')
  t.notOk(refused)
  const third = queue(work('third'))
  await end('third')
  t.equal(await third, 'third')
  answer()
  await second
  t.ok(refused)
})

t.test('retryAfterSeconds follows how long the work takes', async (t) => {
  let now = 0
  const queue = passwordQueue({ concurrency: 2, maxWaiting: 4, monotonic: () => now })
  for (let i = 0; i < 50; i++) {
    await queue(async () => {
      now += 3000
    })
  }
  const { work, end } = controlledWork()
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const admitted = names.map((name) => queue(work(name)))
  await t.rejects(
    queue(work('g')),
    new Unavailable('Too many passwords are waiting to be hashed', 8),
    '(4 waiting + itself) × 3 s / 2 at once'
  )
  for (const name of names) await end(name)
  await Promise.all(admitted)
})

t.test('work that fails gives its slot back and its error to its caller', async (t) => {
  const queue = passwordQueue({ concurrency: 1, maxWaiting: 1 })
  const failed = queue(() => Promise.reject(new Error('no')))
  const next = queue(async () => 'served')
  await t.rejects(failed, { message: 'no' })
  t.equal(await next, 'served')
  await t.rejects(
    queue(() => {
      throw new Error('at once')
    }),
    { message: 'at once' }
  )
  t.equal(await queue(async () => 'served again'), 'served again')
})

t.test('the concurrency leaves a thread of the pool to others and fits the cores', async (t) => {
  t.equal(hashingConcurrency(16), 3)
  t.equal(hashingConcurrency(2), 2)
  t.equal(hashingConcurrency(16, 9), 8)
  t.equal(hashingConcurrency(1, 1), 1)
})

t.test('its load is how many run and wait at this moment', async (t) => {
  const { work, end } = controlledWork()
  const queue = passwordQueue({ concurrency: 1, maxWaiting: 10 })
  const all = Promise.all([queue(work('a')), queue(work('b')), queue(work('c'))])
  t.strictSame(queue.load(), { running: 1, waiting: 2 })
  for (const name of ['a', 'b', 'c']) await end(name)
  await all
  t.strictSame(queue.load(), { running: 0, waiting: 0 })
})
