import t from 'tap'
import type { Observation, SessionHistory } from '../../src/race-kit/history.js'
import { violations } from '../../src/race-kit/oracle.js'

/** The oracle on histories that are written by hand: each promise broken once, and the nearest story in which it holds. */
const grace = 2000
const token = (generation: number, text = `token ${generation}`) => ({ text, sid: 'a', generation })

const seen = (at: number, changes: Partial<Observation> = {}): Observation => ({
  sender: 'honest',
  purpose: 'refresh',
  instance: 0,
  presented: token(0),
  idempotencyKey: undefined,
  sentAt: at,
  deliveredAt: at,
  answeredAt: at + 5,
  status: 200,
  hasRetryAfter: false,
  code: undefined,
  reason: undefined,
  issued: token(0),
  ...changes
})
const rotation = (at: number, generation: number, changes: Partial<Observation> = {}) =>
  seen(at, { presented: token(generation - 1), issued: token(generation), ...changes })
const refusal = (at: number, changes: Partial<Observation> = {}) =>
  seen(at, { status: 401, code: 'session_ended', reason: 'reuse_detected', issued: undefined, ...changes })
const history = (observations: readonly Observation[], changes: Partial<SessionHistory> = {}): SessionHistory => ({
  sid: 'a',
  kind: 'phone',
  scenario: 'plain',
  thefts: [],
  observations,
  listed: undefined,
  ...changes
})
const broken = (it: SessionHistory) => [...new Set(violations(it, grace).map(({ promise }) => promise))]

t.test('an honest client that is refused', async (t) => {
  t.strictSame(broken(history([rotation(0, 1), refusal(3000)])), ['honest_goes_on'])
  t.strictSame(broken(history([rotation(0, 1), seen(1, { status: 503, hasRetryAfter: true, issued: undefined })])), [])
  t.strictSame(broken(history([rotation(0, 1), refusal(3000)], { scenario: 'theft' })), [])
  const late = rotation(0, 1, { answeredAt: 900 })
  t.strictSame(broken(history([late, refusal(3000)])), [], 'the promise does not cover a client that had given up')
})

t.test('a session that is not among the live ones, though nobody ended it', async (t) => {
  t.strictSame(broken(history([rotation(0, 1)], { listed: false })), ['honest_goes_on'])
  t.strictSame(broken(history([rotation(0, 1)], { listed: true })), [])
})

t.test('a thief and a client that both go on', async (t) => {
  const turns = (pause: number) =>
    [1, 2, 3, 4].map((generation) =>
      rotation(pause * generation, generation, { sender: generation % 2 ? 'thief' : 'honest' })
    )
  t.strictSame(broken(history(turns(3000), { scenario: 'theft', thefts: [1] })), ['divergence_caught'])
  t.strictSame(
    broken(history(turns(3000).slice(0, 3), { scenario: 'theft', thefts: [1] })),
    [],
    'one step each is the price'
  )
  t.strictSame(
    broken(history(turns(2001), { scenario: 'theft', thefts: [1] })),
    [],
    'what may lie inside the window counts as inside'
  )
})

t.test('a token two generations old', async (t) => {
  const old = seen(9000, { presented: token(0), issued: token(2) })
  t.strictSame(broken(history([rotation(0, 1), rotation(3000, 2), old])), ['divergence_caught'])
  const before = seen(2999, { presented: token(0), issued: token(2), answeredAt: 3100 })
  t.strictSame(broken(history([rotation(0, 1), rotation(3000, 2), before])), [], 'unless it was on its way before')

  const own = rotation(3000, 2, { idempotencyKey: 'own' })
  const again = (at: number, retryKey: string) =>
    seen(at, { presented: token(0), issued: token(2), idempotencyKey: retryKey })
  t.strictSame(
    broken(history([rotation(0, 1), own, again(4000, 'own')])),
    [],
    'or comes from who made the last rotation'
  )
  t.strictSame(broken(history([rotation(0, 1), own, again(4000, 'another')])), ['divergence_caught'])
  t.strictSame(broken(history([rotation(0, 1), own, again(9000, 'own')])), ['divergence_caught'], 'in its window')
})

t.test('two chains', async (t) => {
  t.strictSame(broken(history([rotation(0, 1), rotation(3000, 1, { issued: token(1, 'another') })])), ['one_chain'])
  t.strictSame(broken(history([rotation(0, 1, { issued: { ...token(1), sid: 'b' } })])), ['one_chain'])
})

t.test('two rotations in one window', async (t) => {
  t.strictSame(broken(history([rotation(0, 1), rotation(1900, 2)])), ['once_in_a_window'])
  t.strictSame(broken(history([rotation(0, 1), rotation(1900, 2, { answeredAt: 2100 })])), [], 'it may have waited')
})

t.test('a session that lives after its end', async (t) => {
  const end = seen(100, { purpose: 'end', status: 204, issued: undefined })
  const access = (at: number, instance: number) => seen(at, { purpose: 'access', instance, issued: undefined })
  const ended = (...after: Observation[]) => broken(history([rotation(0, 1), end, ...after], { scenario: 'ending' }))
  t.strictSame(ended(seen(200)), ['stays_ended'])
  t.strictSame(ended(seen(104, { answeredAt: 120 })), [], 'what was on its way may be served')
  t.strictSame(ended(access(106, 0)), ['stays_ended'])
  t.strictSame(ended(access(106, 1)), [], 'another instance may take a second')
  t.strictSame(ended(access(1200, 1)), ['stays_ended'])
  t.strictSame(broken(history([end], { scenario: 'ending', listed: true })), ['stays_ended'])
})

t.test('a 5xx that nothing announced', async (t) => {
  t.strictSame(broken(history([seen(0, { status: 503, issued: undefined })])), ['announced_only'])
  t.strictSame(broken(history([seen(0, { status: 500, hasRetryAfter: true, issued: undefined })])), ['announced_only'])
})
