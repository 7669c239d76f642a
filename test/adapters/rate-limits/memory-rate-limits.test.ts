import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { memoryRateLimits } from '../../../src/adapters/rate-limits/memory-rate-limits.js'

const limit = { name: 'guess', max: 3, windowSeconds: 60 }

function heldClock() {
  const clock = { milliseconds: 0, monotonic: () => clock.milliseconds }
  return clock
}

t.test('each key gets as many uses as its limit has until its window ends', async (t) => {
  const clock = heldClock()
  const limits = memoryRateLimits(clock)
  for (const uses of [1, 2, 3]) {
    t.match(await limits.use({ limit, key: 'a' }), { granted: true, uses, endsInSeconds: 60 })
  }
  clock.milliseconds = 59_000
  t.match(await limits.use({ limit, key: 'a' }), { granted: false, uses: 3, endsInSeconds: 1 })
  t.match(await limits.use({ limit, key: 'b' }), { granted: true, uses: 1 })
  t.match(await limits.use({ limit: { ...limit, name: 'other' }, key: 'a' }), { granted: true, uses: 1 })
  clock.milliseconds = 60_000
  t.match(await limits.use({ limit, key: 'a' }), { granted: true, uses: 1, endsInSeconds: 60 })
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

t.test('a key whose uses were all undone begins a new window', async (t) => {
  const clock = heldClock()
  const limits = memoryRateLimits({ capacity: 1, ...clock })
  await limits.use({ limit, key: 'a' })
  t.ok(limits.isExact({ limit, key: 'a' }))
  await limits.undo({ limit, key: 'a' })
  t.notOk(limits.isExact({ limit, key: 'a' }), 'its entry is gone')
  clock.milliseconds = 59_000
  t.match(await limits.use({ limit, key: 'b' }), { uses: 1, exact: true }, 'and leaves its room to another key')
  await limits.undo({ limit, key: 'b' })
  t.match(await limits.use({ limit, key: 'a' }), { uses: 1, endsInSeconds: 60 })
})

t.test('above its capacity a store forgets no window, and grants a new key no more than the limit', async (t) => {
  const clock = heldClock()
  const limits = memoryRateLimits({ capacity: 2, ...clock })
  for (const key of ['oldest', 'oldest', 'oldest', 'middle']) await limits.use({ limit, key })
  for (const uses of [1, 2, 3]) {
    t.match(await limits.use({ limit, key: 'new' }), { granted: true, uses, exact: false, endsInSeconds: 60 })
  }
  t.match(await limits.use({ limit, key: 'new' }), { granted: false, uses: 3 })
  await limits.undo({ limit, key: 'new' })
  t.match(await limits.use({ limit, key: 'new' }), { granted: false }, 'none of its uses is given back')
  t.match(await limits.use({ limit, key: 'oldest' }), { granted: false, uses: 3 })
  t.match(await limits.use({ limit, key: 'middle' }), { granted: true, uses: 2 })

  clock.milliseconds = 60_000
  t.match(await limits.use({ limit, key: 'new' }), { granted: false, exact: true }, 'still counted where there is room')
  clock.milliseconds = 120_000
  t.match(await limits.use({ limit, key: 'new' }), { granted: true, uses: 1, exact: true })
})

t.test('above its capacity a store forgets a use after one window at the earliest and two at the latest', async (t) => {
  const clock = heldClock()
  const limits = memoryRateLimits({ capacity: 1, ...clock })
  const keepFull = async () => {
    await limits.use({ limit, key: `fills the room at ${clock.milliseconds}` })
  }
  await keepFull()
  clock.milliseconds = 59_000
  await limits.use({ limit, key: 'early' })
  for (let i = 0; i < 3; i++) await limits.use({ limit, key: 'a' })
  clock.milliseconds = 118_000
  await keepFull()
  t.match(await limits.use({ limit, key: 'a' }), { granted: false, exact: false })
  clock.milliseconds = 177_000
  await keepFull()
  t.match(await limits.use({ limit, key: 'a' }), { granted: false, exact: false })
  clock.milliseconds = 179_000
  await keepFull()
  t.match(await limits.use({ limit, key: 'a' }), { granted: true, exact: false, uses: 1 })
})

t.test(
  'a flood of a million keys brings no used-up window back, in bounded memory, and locks nobody out',
  async (t) => {
    setFlagsFromString('--expose_gc')
    const collectGarbage: () => void = runInNewContext('gc')
    const usedMemory = () => {
      collectGarbage()
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      return heapUsed + arrayBuffers
    }
    const limits = memoryRateLimits(heldClock())
    const usedUp = Array.from({ length: 100 }, (_, i) => ({ limit, key: `used up ${i}` }))
    const spend = (use: { limit: typeof limit; key: string }) => Promise.all([1, 2, 3].map(() => limits.use(use)))
    for (const use of usedUp) await spend(use)

    const before = usedMemory()
    for (let i = 0; i < 1_000_000; i++) await limits.use({ limit, key: `flood ${i}` })
    const lateKeys = Array.from({ length: 100 }, (_, i) => ({ limit, key: `late ${i}` }))
    for (const use of lateKeys) await spend(use)
    for (let i = 0; i < 100_000; i++) await limits.use({ limit, key: `second flood ${i}` })
    const megabytes = (usedMemory() - before) / 2 ** 20
    t.ok(megabytes < 40, `${megabytes.toFixed(0)} MB`)

    for (const use of [...usedUp, ...lateKeys]) {
      if ((await limits.use(use)).granted) t.fail(`${use.key} is granted again`)
    }
    let granted = 0
    for (let i = 0; i < 1000; i++) if ((await limits.use({ limit, key: `honest ${i}` })).granted) granted += 1
    t.ok(granted > 950, `${granted} of 1000 other keys are granted a use`)
  }
)
