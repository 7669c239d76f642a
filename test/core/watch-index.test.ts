import fc from 'fast-check'
import t from 'tap'
import { watchIndex } from '../../src/core/watch-index.js'

t.test('watches are found by session and by time, until they are removed', async (t) => {
  const step = fc.record({ sid: fc.constantFrom('a', 'b', 'c'), dueAt: fc.integer({ min: 0, max: 5000 }) })
  fc.assert(
    fc.property(fc.array(step), fc.array(fc.boolean()), fc.integer({ min: 0, max: 6000 }), (added, removals, now) => {
      const index = watchIndex<object>()
      for (const watch of added) index.add(watch, watch.sid, watch.dueAt)
      const kept = added.filter((watch, i) => {
        if (removals[i]) index.delete(watch, watch.sid, watch.dueAt)
        return !removals[i]
      })
      const isSame = (found: readonly object[], expected: readonly object[]) =>
        found.length === expected.length && expected.every((watch) => found.includes(watch))
      return (
        index.size === kept.length &&
        isSame(index.all(), kept) &&
        isSame(
          index.ofSession('a'),
          kept.filter(({ sid }) => sid === 'a')
        ) &&
        isSame(
          index.due(now),
          kept.filter(({ dueAt }) => Math.ceil(dueAt / 1000) * 1000 <= now)
        )
      )
    })
  )
  t.pass()
})
