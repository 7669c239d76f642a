import t from 'tap'
import { visibleStepSeconds, withVisibleTimes } from '../../src/core/visible-times.js'

const step = visibleStepSeconds * 1000
const idleTtl = 4 * visibleStepSeconds
const session = { lastUsedAt: 10 * step + 7, usedBeforeAt: 3 * step + 5, idleExpiresAt: 14 * step + 7 }
const forever = { absoluteExpiresAt: 1000 * step }
const times = (changes: Partial<typeof session>, now: number, end = forever) =>
  withVisibleTimes({ ...session, ...end, ...changes }, idleTtl, now)

t.test('a use shows in whole five minutes when its five minutes are over', async (t) => {
  t.match(times({}, 11 * step), { lastUsedAt: 10 * step, idleExpiresAt: 14 * step, usedBeforeAt: null })
})

t.test('until its five minutes are over, the use before them shows', async (t) => {
  t.match(times({}, 11 * step - 1), { lastUsedAt: 3 * step, idleExpiresAt: 7 * step, usedBeforeAt: null })
})

t.test('a session without an earlier use shows its creation', async (t) => {
  const created = withVisibleTimes({ ...session, ...forever, usedBeforeAt: null }, idleTtl, 10 * step + 9)
  t.match(created, { lastUsedAt: 10 * step, idleExpiresAt: 14 * step })
})

t.test('the idle end never shows past the absolute end', async (t) => {
  const end = { absoluteExpiresAt: 12 * step + 1 }
  t.match(times({ idleExpiresAt: end.absoluteExpiresAt }, 11 * step, end), { idleExpiresAt: 12 * step })
})
