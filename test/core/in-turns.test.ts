import t from 'tap'
import { inTurns } from '../../src/core/in-turns.js'

function turns() {
  const waiting: (() => void)[] = []
  return { nextTurn: (run: () => void) => void waiting.push(run), next: () => waiting.shift()?.(), waiting }
}

t.test('calls run in later turns, in their order, and no more in a turn than allowed', async (t) => {
  const { nextTurn, next, waiting } = turns()
  const calls = inTurns<number>(3, nextTurn)
  const made: number[] = []
  for (let i = 0; i < 7; i++) calls.add(i, () => made.push(i))
  t.strictSame(made, [])
  t.equal(calls.size, 7)
  next()
  t.strictSame(made, [0, 1, 2])
  t.equal(calls.size, 4)
  next()
  next()
  t.strictSame(made, [0, 1, 2, 3, 4, 5, 6])
  t.equal(calls.size, 0)
  t.equal(waiting.length, 0, 'no further turn is asked for')
})

t.test('a call that is added by another one counts for the same turn', async (t) => {
  const { nextTurn, next, waiting } = turns()
  const calls = inTurns<number>(2, nextTurn)
  const made: number[] = []
  const chain = (i: number) => void (made.push(i) < 5 && calls.add(i + 1, () => chain(i + 1)))
  calls.add(0, () => chain(0))
  next()
  t.strictSame(made, [0, 1])
  next()
  next()
  t.strictSame(made, [0, 1, 2, 3, 4])
  t.equal(waiting.length, 0)
})

t.test('a call that was taken back is not made', async (t) => {
  const { nextTurn, next } = turns()
  const calls = inTurns<string>(2, nextTurn)
  const made: string[] = []
  for (const name of ['a', 'b', 'c']) calls.add(name, () => made.push(name))
  calls.delete('a')
  next()
  t.strictSame(made, ['b', 'c'])
})

t.test('settled resolves for all who wait, once every call was made', async (t) => {
  const { nextTurn, next } = turns()
  const calls = inTurns<number>(1, nextTurn)
  await calls.settled()
  const made: number[] = []
  for (const i of [1, 2]) calls.add(i, () => made.push(i))
  const both = Promise.all([calls.settled(), calls.settled()]).then(() => made.push(0))
  next()
  await Promise.resolve()
  t.strictSame(made, [1])
  next()
  next()
  await both
  t.strictSame(made, [1, 2, 0])
})
