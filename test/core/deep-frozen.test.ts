import t from 'tap'
import { deepFrozen } from '../../src/core/deep-frozen.js'

t.test('all that is in a value is frozen, and the value is returned', async (t) => {
  const value = { a: [{ b: 1 }], c: null, d: 'text' }
  t.equal(deepFrozen(value), value)
  t.ok([value, value.a, value.a[0]].every(Object.isFrozen))
  t.equal(deepFrozen(5), 5)
  t.equal(deepFrozen(null), null)
  t.equal(deepFrozen(value), value, 'frozen already')
})
