import t from 'tap'
import {
  memoryRateLimits,
  noRateLimits,
  withSlowRefusals
} from '../../../src/adapters/rate-limits/memory-rate-limits.js'

const limit = { name: 'guess', max: 3, windowSeconds: 60 }

function heldClock() {
  const clock = { milliseconds: 0, monotonic: () => clock.milliseconds }
  return clock
}

t.test('each key gets as many uses as its limit has until its window ends', async (t) => {
  const clock = heldClock()
  const limits = memoryRateLimits(clock)
  for (const uses of [1, 2, 3]) {
    t.strictSame(await limits.use({ limit, key: 'a' }), { granted: true, uses, endsInSeconds: 60 })
  }
  clock.milliseconds = 59_000
  t.strictSame(await limits.use({ limit, key: 'a' }), { granted: false, uses: 3, endsInSeconds: 1 })
  t.match(await limits.use({ limit, key: 'b' }), { granted: true, uses: 1 })
  t.match(await limits.use({ limit: { ...limit, name: 'other' }, key: 'a' }), { granted: true, uses: 1 })
  clock.milliseconds = 60_000
  t.strictSame(await limits.use({ limit, key: 'a' }), { granted: true, uses: 1, endsInSeconds: 60 })
  t.match(await limits.use({ limit, key: 'b' }), { uses: 2, endsInSeconds: 59 }, 'the window of another key goes on')
})

t.test('uses made at once are all counted', async (t) => {
  const limits = memoryRateLimits()
  const results = await Promise.all(Array.from({ length: 50 }, () => limits.use({ limit, key: 'a' })))
  t.equal(results.filter(({ granted }) => granted).length, 3)
})

t.test('an undone use can be made again, and a refused use is not counted', async (t) => {
  const limits = memoryRateLimits(heldClock())
  const use = { limit, key: 'a' }
  for (let i = 0; i < 10; i++) await limits.use(use)
  await limits.undo(use)
  t.match(await limits.use(use), { granted: true, uses: 3 })
  t.match(await limits.use(use), { granted: false })
  for (let i = 0; i < 10; i++) await limits.undo(use)
  t.match(await limits.use(use), { granted: true, uses: 1 }, 'undoing never goes below zero')
  await limits.undo({ limit, key: 'unknown' })
})

t.test('above its capacity a store forgets the oldest key alone', async (t) => {
  const limits = memoryRateLimits({ capacity: 2, ...heldClock() })
  for (const key of ['oldest', 'middle', 'middle', 'newest']) await limits.use({ limit, key })
  t.match(await limits.use({ limit, key: 'middle' }), { uses: 3 })
  t.match(await limits.use({ limit, key: 'newest' }), { uses: 2 })
  t.match(await limits.use({ limit, key: 'oldest' }), { uses: 1 })
})

t.test('only a refused use waits for its answer', async (t) => {
  let pauses = 0
  const limits = withSlowRefusals(memoryRateLimits(), async () => {
    pauses += 1
  })
  for (let i = 0; i < 3; i++) t.match(await limits.use({ limit, key: 'a' }), { granted: true })
  t.equal(pauses, 0)
  t.match(await limits.use({ limit, key: 'a' }), { granted: false })
  t.equal(pauses, 1)
  await limits.undo({ limit, key: 'a' })
  t.match(await limits.use({ limit, key: 'a' }), { granted: true })
  t.equal(pauses, 1)
})

t.test('without limits every use is granted', async (t) => {
  for (let i = 0; i < 10; i++) t.match(await noRateLimits.use({ limit, key: 'a' }), { granted: true })
  await t.resolves(noRateLimits.undo({ limit, key: 'a' }))
})
