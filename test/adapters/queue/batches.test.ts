import t from 'tap'
import { type BatchOptions, inBatches } from '../../../src/adapters/queue/batches.js'
import { Unavailable } from '../../../src/ports/errors.js'

interface Call {
  readonly items: readonly string[]
  answer(results?: readonly (string | undefined)[]): void
  fail(error: Error): void
}

/** Calls that stay open until the test answers them. An item is `key` or `key:more`. */
function openCalls(bounds: Partial<BatchOptions<string, string | undefined>> = {}) {
  const calls: Call[] = []
  const call = (items: readonly string[]) =>
    new Promise<readonly (string | undefined)[]>((resolve, reject) =>
      calls.push({ items, answer: (results = items.map((item) => `${item}!`)) => resolve(results), fail: reject })
    )
  const { serve, waiting } = inBatches<string, string | undefined>({
    name: 'test',
    identityOf: (item) => item,
    repeated: (result) => `${result} again`,
    keyOf: (item) => item.split(':')[0] ?? '',
    one: async (item) => (await call([item]))[0],
    many: call,
    maxSize: 3,
    maxRunning: 2,
    maxWaiting: 10,
    waitSeconds: 60,
    slowMilliseconds: 60_000,
    ...bounds
  })
  return { serve, waiting, calls, items: () => calls.map(({ items }) => items) }
}

/** The end of this turn of the event loop, in which items begin to run. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Serves items that arrive in different turns of the event loop. */
async function inTurns<Result>(serve: (item: string) => Promise<Result>, items: readonly string[]) {
  const served: Promise<Result>[] = []
  for (const item of items) {
    served.push(serve(item))
    await turn()
  }
  return served
}

t.test('an item that finds nothing running goes alone at the end of the turn', async (t) => {
  const { serve, calls } = openCalls()
  const served = serve('a')
  await turn()
  t.same(calls[0]?.items, ['a'])
  calls[0]?.answer()
  t.equal(await served, 'a!')
})

t.test('items that arrive in one turn go together', async (t) => {
  const { serve, items, calls } = openCalls({ maxRunning: 1 })
  const served = Promise.all(['a', 'b', 'a:2'].map(serve))
  await turn()
  t.same(items(), [['a', 'b']])
  calls[0]?.answer()
  await turn()
  t.same(items()[1], ['a:2'])
  calls[1]?.answer()
  t.same(await served, ['a!', 'b!', 'a:2!'])
})

t.test('items that arrive while calls run go together, in their order, at most maxSize at once', async (t) => {
  const { serve, calls, items } = openCalls()
  const served = await inTurns(serve, ['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  t.same(items(), [['a'], ['b']])
  calls[1]?.answer()
  await turn()
  t.same(items()[2], ['c', 'd', 'e'])
  calls[2]?.answer()
  await turn()
  t.same(items()[3], ['f', 'g'], 'beside a single item')
  t.equal(calls.length, 4)
  calls[0]?.answer()
  calls[3]?.answer()
  t.same(await Promise.all(served), ['a!', 'b!', 'c!', 'd!', 'e!', 'f!', 'g!'])
})

t.test('while calls run, another starts when as many items wait as are being served', async (t) => {
  const { serve, calls, items } = openCalls({ maxRunning: 3, maxSize: 10 })
  const served = await inTurns(serve, ['a', 'b', 'c'])
  t.same(items(), [['a'], ['b']], 'two are being served, and one waits')
  served.push(...(await inTurns(serve, ['d', 'e', 'f'])))
  t.same(items().slice(2), [['c', 'd']], 'three calls run')
  calls[0]?.answer()
  await turn()
  t.equal(calls.length, 3, 'a place is free, but the next batch can still grow')
  served.push(...(await inTurns(serve, ['g'])))
  t.same(items().slice(3), [['e', 'f', 'g']])
  calls[2]?.answer()
  await turn()
  served.push(...(await inTurns(serve, ['h'])))
  t.equal(calls.length, 4)
  for (const { answer } of calls) answer()
  await turn()
  t.same(items().slice(4), [['h']], 'when all calls have ended, nothing waits')
  calls[4]?.answer()
  t.same(await Promise.all(served), ['a!', 'b!', 'c!', 'd!', 'e!', 'f!', 'g!', 'h!'])
})

t.test('while calls run, another starts when maxSize items wait', async (t) => {
  const { serve, calls, items } = openCalls({ maxRunning: 2, maxSize: 3 })
  const first = ['a', 'b', 'c', 'd', 'e'].map(serve)
  await turn()
  t.same(items(), [['a', 'b', 'c']])
  calls[0]?.answer()
  await turn()
  t.same(items().slice(1), [['d', 'e']])
  const later = await inTurns(serve, ['f', 'g'])
  t.same(items().slice(2), [['f', 'g']])
  for (const { answer } of calls) answer()
  await turn()
  const last = ['h', 'i', 'j', 'k', 'l', 'm'].map(serve)
  await turn()
  t.same(items().slice(3), [
    ['h', 'i', 'j'],
    ['k', 'l', 'm']
  ])
  for (const { answer } of calls) answer()
  t.equal((await Promise.all([...first, ...later, ...last])).length, 13)
})

t.test('a second item of the same key waits for the next call', async (t) => {
  const { serve, calls, items } = openCalls({ maxRunning: 1 })
  const served = await inTurns(serve, ['a', 'b:1', 'b:2', 'c'])
  calls[0]?.answer()
  await turn()
  t.same(items()[1], ['b:1', 'c'])
  calls[1]?.answer()
  await turn()
  t.same(items()[2], ['b:2'])
  calls[2]?.answer()
  t.same(await Promise.all(served), ['a!', 'b:1!', 'b:2!', 'c!'])
})

t.test('equal items wait as one, take one place, and share the result or the failure', async (t) => {
  const { serve, waiting, calls, items } = openCalls({ maxRunning: 1, maxWaiting: 2 })
  const served = await inTurns(serve, ['a', 'b', 'c', 'b', 'b'])
  const failed = Promise.allSettled(['c', 'b'].map(serve))
  t.equal(waiting(), 2)
  calls[0]?.answer()
  await turn()
  t.same(items().slice(1), [['b', 'c']])
  const later = serve('b')
  calls[1]?.answer()
  t.same(await Promise.all(served), ['a!', 'b!', 'c!', 'b! again', 'b! again'])
  t.match(await failed, [{ value: 'c! again' }, { value: 'b! again' }])
  await turn()
  t.same(items()[2], ['b'], 'a call that has begun serves no later item')
  const refused = Promise.allSettled(['d', 'd'].map(serve))
  calls[2]?.answer()
  t.equal(await later, 'b!')
  await turn()
  calls[3]?.fail(new Error('broken'))
  t.match(await refused, [{ reason: { message: 'broken' } }, { reason: { message: 'broken' } }])
})

t.test('an item that could make others wait goes alone, and the next batch does not wait for it', async (t) => {
  const { serve, calls, items } = openCalls({ maxRunning: 1 })
  const served = await inTurns(serve, ['a', 'b', 'c'])
  calls[0]?.answer()
  await turn()
  calls[1]?.answer(['alone', undefined])
  await turn()
  t.same(items()[2], ['b'])
  const later = serve('d')
  await turn()
  t.same(items()[3], ['d'])
  calls[3]?.answer()
  t.equal(await later, 'd!')
  calls[2]?.answer(['b late'])
  t.same(await Promise.all(served), ['a!', 'b late', undefined], 'undefined is a result')
})

t.test('a single slow item does not delay other items for long', async (t) => {
  const { serve, calls, items } = openCalls({ maxRunning: 1, slowMilliseconds: 200 })
  const slow = serve('a')
  await turn()
  const other = serve('b')
  t.equal(calls.length, 1)
  while (calls.length < 2) await new Promise((resolve) => setTimeout(resolve, 10))
  t.same(items()[1], ['b'])
  calls[1]?.answer()
  t.equal(await other, 'b!')
  calls[0]?.answer()
  t.equal(await slow, 'a!')
  // When the slow item ends, no second place becomes free.
  const next = await inTurns(serve, ['c', 'd'])
  t.same(items().slice(2), [['c']])
  calls[2]?.answer()
  await turn()
  calls[3]?.answer()
  t.same(await Promise.all(next), ['c!', 'd!'])
})

t.test('if a call finds nothing available, each of its items fails, and no other', async (t) => {
  const { serve, calls } = openCalls({ maxRunning: 1 })
  const answer = (item: string) => serve(item).catch((error) => error.message)
  const [first, ...others] = await inTurns(answer, ['a', 'b', 'c', 'd', 'e'])
  calls[0]?.fail(new Error('broken'))
  t.equal(await first, 'broken')
  calls[1]?.fail(new Unavailable('broken too'))
  await turn()
  calls[2]?.answer()
  t.same(await Promise.all(others), ['broken too', 'broken too', 'broken too', 'e!'])
})

t.test('if a call fails because of one item, they are served one after another, and only that one fails', async (t) => {
  const { serve, calls, items } = openCalls({ maxRunning: 1, maxSize: 4 })
  const answer = (item: string) => serve(item).catch((error) => error.message)
  const served = await inTurns(answer, ['a', 'b', 'c', 'd'])
  calls[0]?.answer()
  await turn()
  calls[1]?.fail(new Error('one of them is broken'))
  for (const item of ['b', 'c', 'd']) {
    await turn()
    t.same(items().slice(2).at(-1), [item])
    if (item === 'c') calls.at(-1)?.fail(new Error('broken'))
    else calls.at(-1)?.answer()
  }
  t.same(await Promise.all(served), ['a!', 'b!', 'broken', 'd!'])
  t.equal(calls.length, 5)
})

t.test('if a call and then its first two items fail, the others fail without a call', async (t) => {
  const { serve, calls } = openCalls({ maxRunning: 1, maxSize: 6 })
  const first = serve('a')
  await turn()
  const served = ['b', 'c', 'd', 'e', 'f', 'f'].map((item) => serve(item).catch((error) => error.message))
  calls[0]?.answer()
  for (const index of [1, 2, 3]) {
    await turn()
    calls[index]?.fail(new Error(`fault ${index}`))
  }
  t.same(await Promise.all(served), ['fault 2', 'fault 3', 'fault 1', 'fault 1', 'fault 1', 'fault 1'])
  t.equal(calls.length, 4)
  t.equal(await first, 'a!')
})

t.test('no more than maxWaiting items wait, and none longer than waitSeconds', async (t) => {
  const { serve, calls } = openCalls({ maxRunning: 1, maxWaiting: 2, waitSeconds: 0.2 })
  const first = serve('a')
  await turn()
  const late = new Unavailable('No turn came in the test queue within 0.2 s.')
  const refused = ['b', 'c'].map((item) => t.rejects(serve(item), late))
  await t.rejects(serve('d'), new Unavailable('The test queue is full.'))
  await Promise.all(refused)
  calls[0]?.answer()
  t.equal(await first, 'a!')
  t.equal(calls.length, 1)
})

t.test('items do not wait for calls that are slow, also for calls of several items', async (t) => {
  const { serve, calls, items } = openCalls({ maxRunning: 1, slowMilliseconds: 500 })
  const served = await inTurns(serve, ['a', 'b', 'c'])
  calls[0]?.answer()
  await turn()
  t.same(items()[1], ['b', 'c'])
  served.push(serve('d'))
  while (calls.length < 3) await new Promise((resolve) => setTimeout(resolve, 10))
  t.same(items()[2], ['d'])
  for (const { answer } of calls) answer()
  t.same(await Promise.all(served), ['a!', 'b!', 'c!', 'd!'])
})
