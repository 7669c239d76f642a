import t from 'tap'
import { recentlyUsed } from '../../src/core/recently-used.js'

t.test('the most recently used values are kept, and no more than the limit', async (t) => {
  const cache = recentlyUsed<number>(4)
  for (const [value, text] of ['a', 'b', 'c', 'd'].entries()) cache.set(text, value)
  t.equal(cache.get('a'), 0)
  for (let i = 0; i < 100; i++) {
    cache.set(`other ${i}`, i)
    t.ok(cache.size <= 4)
    t.equal(cache.get('a'), 0, 'used all the time')
  }
  for (const text of ['b', 'c', 'd', 'other 1']) t.equal(cache.get(text), undefined, 'not used for a long time')
  cache.delete('a')
  t.equal(cache.get('a'), undefined)
})

t.test('a value is found by the whole text, also where two texts end alike', async (t) => {
  const ending = 'x'.repeat(40)
  const cache = recentlyUsed<string>(4)
  cache.set(`first.${ending}`, 'first')
  t.equal(cache.get(`second.${ending}`), undefined)
  cache.set(`second.${ending}`, 'second')
  t.equal(cache.get(`second.${ending}`), 'second')
  t.equal(cache.get(`first.${ending}`), undefined, 'the later one is kept')
  for (const text of ['a', 'b', `first.${ending}`]) cache.set(text, text)
  t.equal(cache.get(`second.${ending}`), undefined, 'also where the earlier one is old by now')
  t.equal(cache.get(`first.${ending}`), `first.${ending}`)
  t.ok(cache.size <= 4)
})
