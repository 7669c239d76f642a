import t from 'tap'
import { feedPosition } from '../../../src/adapters/revocations/feed-position.js'

t.test('the position moves over consecutive ids, in whatever order they appear', async (t) => {
  const position = feedPosition(1000)
  for (const id of [2n, 3n]) position.note(id, 0)
  t.equal(position.settled, 0n, 'id 1 may still appear')
  position.note(1n, 0)
  t.equal(position.settled, 3n)
})

t.test('an entry is new once', async (t) => {
  const position = feedPosition(1000)
  t.equal(position.note(2n, 0), true)
  t.equal(position.note(2n, 0), false, 'above the position')
  t.equal(position.note(1n, 0), true)
  t.equal(position.note(1n, 0), false, 'below it')
})

t.test('the position waits before a missing id for a bounded time', async (t) => {
  const position = feedPosition(1000)
  position.note(1n, 0)
  position.note(3n, 0)
  position.note(5n, 500)
  position.note(6n, 999)
  t.equal(position.settled, 1n)
  position.note(7n, 1000)
  t.equal(position.settled, 3n)
  t.equal(position.note(4n, 1001), true, 'a missing id may still appear in time')
  t.equal(position.settled, 7n)
})

t.test('an entry that was committed long ago settles at once', async (t) => {
  const position = feedPosition(1000)
  position.note(7n, 5000, 4000)
  t.equal(position.settled, 7n)
})
