import t from 'tap'
import { violations } from '../../../src/race-kit/judge/oracle.js'
import type { Observation, SessionHistory, Sighting } from '../../../src/race-kit/record/history.js'
import { history, refusal, rotation, seen, token } from '../../support/race/histories.js'

/** Tests the oracle on hand-written histories: one that breaks each promise, and the most similar one that keeps it. */
const grace = 2000
const broken = (it: SessionHistory) => [...new Set(violations(it, grace).map(({ promise }) => promise))]

t.test('a refused honest client breaks honest_goes_on', async (t) => {
  t.strictSame(broken(history([rotation(0, 1), refusal(3000)])), ['honest_goes_on'])
  t.strictSame(broken(history([rotation(0, 1), seen(1, { status: 503, hasRetryAfter: true, issued: undefined })])), [])
  t.strictSame(broken(history([rotation(0, 1), refusal(3000)], { scenario: 'theft' })), [])
  const late = rotation(0, 1, { answeredAt: 900 })
  t.strictSame(broken(history([late, refusal(3000)])), [], 'the promise does not cover a client that has timed out')
  const afterwards = refusal(3010, { answeredAt: 4000 })
  t.strictSame(
    broken(history([rotation(0, 1), refusal(3000), afterwards])),
    ['honest_goes_on'],
    'unless it did so later'
  )
})

t.test('an honest session missing from the list of live sessions breaks honest_goes_on', async (t) => {
  t.strictSame(broken(history([rotation(0, 1)], { listed: false })), ['honest_goes_on'])
  t.strictSame(broken(history([rotation(0, 1)], { listed: true })), [])
})

t.test('a thief and a client that both go on break divergence_caught', async (t) => {
  const alternating = (pause: number) =>
    [1, 2, 3, 4].map((generation) =>
      rotation(pause * generation, generation, { sender: generation % 2 ? 'thief' : 'honest' })
    )
  t.strictSame(broken(history(alternating(3000), { scenario: 'theft', thefts: [1] })), ['divergence_caught'])
  t.strictSame(
    broken(history(alternating(3000).slice(0, 3), { scenario: 'theft', thefts: [1] })),
    [],
    'one step each is allowed'
  )
  t.strictSame(
    broken(history(alternating(2001), { scenario: 'theft', thefts: [1] })),
    [],
    'a step that may be inside the window counts as inside'
  )
})

t.test('a served token two generations old breaks divergence_caught', async (t) => {
  const old = seen(9000, { presented: token(0), issued: token(2) })
  t.strictSame(broken(history([rotation(0, 1), rotation(3000, 2), old])), ['divergence_caught'])
  const before = seen(2999, { presented: token(0), issued: token(2), answeredAt: 3100 })
  t.strictSame(broken(history([rotation(0, 1), rotation(3000, 2), before])), [], 'allowed if it was sent before')

  const own = rotation(3000, 2, { idempotencyKey: 'own' })
  const again = (at: number, idempotencyKey: string) =>
    seen(at, { presented: token(0), issued: token(2), idempotencyKey })
  t.strictSame(
    broken(history([rotation(0, 1), own, again(4000, 'own')])),
    [],
    'allowed for the sender of the last rotation'
  )
  t.strictSame(broken(history([rotation(0, 1), own, again(4000, 'another')])), ['divergence_caught', 'key_counts'])
  t.strictSame(
    broken(history([rotation(0, 1), own, again(9000, 'own')])),
    ['divergence_caught'],
    'only within the grace window'
  )
})

t.test('two tokens of one generation, or of another session, break one_chain', async (t) => {
  t.strictSame(broken(history([rotation(0, 1), rotation(3000, 1, { issued: token(1, 'another') })])), ['one_chain'])
  t.strictSame(broken(history([rotation(0, 1, { issued: { ...token(1), sid: 'b' } })])), ['one_chain'])
})

t.test('two rotations in one grace window break once_in_a_window', async (t) => {
  t.strictSame(broken(history([rotation(0, 1), rotation(1900, 2)])), ['once_in_a_window'])
  t.strictSame(
    broken(history([rotation(0, 1), rotation(1900, 2, { answeredAt: 2100 })])),
    [],
    'the second may have waited inside the service'
  )
})

t.test('a session that lives after its end breaks stays_ended', async (t) => {
  const end = seen(100, { purpose: 'end', status: 204, issued: undefined })
  const access = (at: number, instance: number) => seen(at, { purpose: 'access', instance, issued: undefined })
  const ended = (...after: Observation[]) => broken(history([rotation(0, 1), end, ...after], { scenario: 'ending' }))
  t.strictSame(ended(seen(200)), ['stays_ended'])
  t.strictSame(ended(seen(104, { answeredAt: 120 })), [], 'a request sent before the end may be served')
  t.strictSame(ended(access(106, 0)), ['stays_ended'])
  t.strictSame(ended(access(106, 1)), [], 'another instance has a second to learn of the end')
  t.strictSame(ended(access(1200, 1)), ['stays_ended'])
  t.strictSame(broken(history([end], { scenario: 'ending', listed: true })), ['stays_ended'])
})

t.test('a 5xx other than 503 with Retry-After breaks announced_only', async (t) => {
  t.strictSame(broken(history([seen(0, { status: 503, issued: undefined })])), ['announced_only'])
  t.strictSame(broken(history([seen(0, { status: 500, hasRetryAfter: true, issued: undefined })])), ['announced_only'])
})

t.test('in a session that uses a key, steps inside the window break divergence_caught too', async (t) => {
  const alternating = [1, 2, 3, 4].map((generation) =>
    rotation(2001 * generation, generation, {
      sender: generation % 2 ? 'thief' : 'honest',
      ...(generation % 2 === 0 && { idempotencyKey: 'client' })
    })
  )
  const before = rotation(-9000, 0, { presented: token(-1), idempotencyKey: 'client' })
  const stolen = { scenario: 'theft', thief: 'token', thefts: [1] } as const
  t.strictSame(broken(history([before, ...alternating], stolen)), ['divergence_caught'])
  t.strictSame(broken(history(alternating.slice(0, 3), stolen)), [], 'one step each is allowed')
  t.strictSame(
    broken(history([before, ...alternating], { ...stolen, thief: 'storage' })),
    [],
    'who holds the key is the client'
  )
})

t.test('a newer token for an older one without the key, inside the window, breaks key_counts', async (t) => {
  const made = rotation(0, 1, { idempotencyKey: 'client' })
  const again = (at: number, idempotencyKey?: string) => rotation(at, 1, { sender: 'thief', idempotencyKey })
  const stolen = { scenario: 'theft', thief: 'token' } as const
  t.strictSame(broken(history([made, again(100)], stolen)), ['key_counts'])
  t.strictSame(broken(history([made, again(100, 'own')], stolen)), ['key_counts'])
  t.strictSame(broken(history([made, again(100, 'client')], stolen)), [])
  t.strictSame(broken(history([made, seen(100, { sender: 'thief' })], stolen)), [], 'an access token alone is allowed')
  t.strictSame(broken(history([made, again(1999)], stolen)), [], 'allowed if it may be late')
  t.strictSame(broken(history([made, again(3)], stolen)), [], 'allowed if it may have made the generation')
  t.strictSame(broken(history([rotation(0, 1), again(100)], stolen)), [], 'allowed if no key was used')
  const earlier = [rotation(-9000, 0, { presented: token(-1), idempotencyKey: 'client' }), rotation(0, 1)]
  t.strictSame(broken(history([...earlier, again(100)], stolen)), ['key_counts'], 'a key that was used before counts')
})

t.test('a generation that is sent again after the window without an event breaks late_leaves_event', async (t) => {
  const late = [rotation(0, 1), rotation(2100, 1)]
  t.strictSame(broken(history(late, { recoveries: 0 })), ['late_leaves_event'])
  t.strictSame(broken(history(late, { recoveries: 1 })), [])
  t.strictSame(broken(history([...late, rotation(2200, 1)], { recoveries: 1 })), [], 'one event for each generation')
  t.strictSame(broken(history([rotation(0, 1), rotation(2003, 1)], { recoveries: 0 })), [], 'it may be in time')
  t.strictSame(broken(history(late)), [], 'nothing is judged if the events could not be read')
})

t.test('exact or early times in the list of sessions break no_oracle', async (t) => {
  const step = 300_000
  const sighting = (changes: Partial<Sighting>) =>
    broken(
      history([], {
        sightings: [{ createdAt: 0, lastUsedAt: step, expiresAt: 9 * step, servedAt: 2 * step, ...changes }]
      })
    )
  t.strictSame(sighting({}), [])
  t.strictSame(sighting({ lastUsedAt: step + 1000 }), ['no_oracle'])
  t.strictSame(sighting({ expiresAt: step + 1000 }), ['no_oracle'])
  t.strictSame(sighting({ servedAt: 2 * step - 1001 }), ['no_oracle'])
  t.strictSame(sighting({ servedAt: step + 5, createdAt: step + 1 }), [], 'a new session shows its creation')
})
