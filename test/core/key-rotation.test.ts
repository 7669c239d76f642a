import t from 'tap'
import {
  activeKey,
  jwksMaxAgeSeconds,
  type KeyTimes,
  planRotation,
  publishLeadSeconds,
  withStates
} from '../../src/core/key-rotation.js'

const now = 1_800_000_000_000
const settings = { alg: 'ES256', publishLeadSeconds: 360, accessTokenTtlSeconds: 600 } as const
const key = (number: number, signsFrom: number, retiresAt: number | null = null): KeyTimes => ({
  number,
  signsFrom: now + signsFrom,
  retiresAt: retiresAt === null ? null : now + retiresAt
})
const statesOf = (...keys: KeyTimes[]) => withStates(keys, now).map(({ state }) => state)

t.test('a key is published for longer than caches keep a key set', async (t) => {
  t.equal(jwksMaxAgeSeconds, 300)
  t.ok(publishLeadSeconds >= jwksMaxAgeSeconds + 30)
})

t.test('of the keys that may sign, the greatest number signs, in any order', async (t) => {
  const [old, current, next] = [key(1, -10, 10), key(2, -5), key(3, 5)]
  for (const keys of [
    [old, current, next],
    [next, current, old]
  ])
    t.equal(activeKey(keys, now), current)
  t.equal(activeKey([old, current, next], now + 5), next)
  t.equal(activeKey([old, key(2, -5, 0)], now), old, 'not one that has retired')
  t.equal(activeKey([key(2, -5, 0), next], now), undefined)
})

t.test('each key has exactly one state at every millisecond', async (t) => {
  t.strictSame(statesOf(key(4, 1), key(3, 0), key(2, -5, 1), key(1, -9, 0)), [
    'published',
    'active',
    'retiring',
    'retired'
  ])
  t.strictSame(statesOf(key(2, 5, -1)), ['retired'], 'also where it never signed')
  t.strictSame(statesOf(key(2, -1), key(1, -2)), ['active', 'retiring'])
})

t.test('a rotation publishes the new key first, and retires the old one when its last token has expired', async (t) => {
  t.strictSame(planRotation([key(1, -10)], now, 'requested', settings), {
    signsInSeconds: 360,
    othersRetireInSeconds: 360 + 600 + 60
  })
})

t.test('while the next key is published, another rotation changes nothing, except revoke_old', async (t) => {
  const keys = [key(1, -10, 900), key(2, 1)]
  for (const cause of ['requested', 'scheduled', 'algorithm_changed'] as const)
    t.equal(planRotation(keys, now, cause, settings), 'pending')
  t.strictSame(planRotation(keys, now, 'revoke_old', settings), { signsInSeconds: -60, othersRetireInSeconds: 0 })
  t.not(planRotation(keys, now + 1, 'requested', settings), 'pending')
  t.not(
    planRotation([key(1, -10), key(2, 1, 0)], now, 'requested', settings),
    'pending',
    'a retired key waits for nothing'
  )
})

t.test('if no key signs, the next one signs at once', async (t) => {
  for (const keys of [[], [key(1, -10, 0)]])
    t.match(planRotation(keys, now, 'requested', settings), { signsInSeconds: -60 })
})
