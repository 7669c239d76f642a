import t from 'tap'
import { abuseToken, refreshOnce, type Step, stealNewest, waitFor } from '../support/rotation-model/script.js'
import { usual as usualSetting } from '../support/rotation-model/usual.js'
import { play, thiefsKey } from '../support/rotation-model/world.js'

/**
 * Where the promises of rotation-model.test.ts end: the smallest stories in which one of their
 * assumptions is not met. docs/rotation.md tells them. A change of the protocol that mends one of
 * them fails here, and then the promise and the page can say more.
 */
const usual = { ...usualSetting, policy: { graceSeconds: 8, recoveryGenerations: 3 }, patienceSeconds: 4 }

const times = (count: number, steps: readonly Step[]) => Array.from({ length: count }, () => steps).flat()

t.test('without a key, two tabs, a lost response, a late replay and a slow tab end an honest session', async (t) => {
  const story = (slow: number) => [
    refreshOnce({ responseLost: true }),
    waitFor(4),
    refreshOnce({ up: 3 }),
    waitFor(2),
    refreshOnce({ up: slow }),
    waitFor(2),
    refreshOnce(),
    waitFor(9)
  ]
  const keyless = { ...usual, key: null }
  t.equal(play(story(3), keyless).endedBy, 'reuse', 'it is two behind')
  t.equal(play(story(1), keyless).endedBy, null, 'a second earlier it is one behind')
  t.equal(play(story(3), { ...keyless, inTurn: true }).endedBy, null, 'tabs that take turns are never there')
  t.equal(play(story(3), usual).endedBy, null, 'nor is one that has the key')
})

t.test('a thief who rotates with their own key can repeat that', async (t) => {
  const repeat = abuseToken(Number.MAX_SAFE_INTEGER, true)
  const story = [stealNewest, repeat, waitFor(9), repeat, waitFor(1), refreshOnce(), waitFor(9)]
  t.match(play(story, usual), { endedBy: null, jar: 1 }, 'has one more window, in which the client is let along')
  t.equal(
    play([...story, repeat, waitFor(1), refreshOnce(), waitFor(9), repeat], usual).endedBy,
    'reuse',
    'and no third'
  )
})

t.test('a thief who refreshes right after the client each time is not caught', async (t) => {
  const story = [stealNewest, ...times(50, [waitFor(100), refreshOnce(), waitFor(1), abuseToken(0, false), waitFor(9)])]
  t.equal(play(story, usual).endedBy, null, 'rides along inside the window')
  t.equal(
    play(story, { ...usual, policy: { ...usual.policy, graceSeconds: 0 } }).endedBy,
    'reuse',
    'and not with grace 0'
  )
})

t.test('a thief with the key and the token is not caught', async (t) => {
  const story = [
    refreshOnce(),
    waitFor(1),
    stealNewest,
    ...times(50, [waitFor(100), refreshOnce(), waitFor(100), abuseToken(0, true)])
  ]
  t.equal(play(story, { ...usual, key: thiefsKey }).endedBy, null, 'is the client, as far as the server can tell')
  t.equal(play(story, usual).endedBy, 'reuse', 'the token alone is caught')
})

t.test('a recovery in every generation would forgive a thief forever', async (t) => {
  const story = [stealNewest, ...times(50, [waitFor(9), refreshOnce(), waitFor(9), abuseToken(0, false)])]
  const recovery = (recoveryGenerations: number) =>
    play(story, { ...usual, policy: { graceSeconds: 8, recoveryGenerations } })
  t.equal(recovery(1).endedBy, null)
  t.equal(recovery(2).endedBy, 'reuse')
})

t.test('a client that keeps an unchanged token over a newer one falls behind', async (t) => {
  const story = [refreshOnce(), waitFor(7), refreshOnce({ down: 3 }), waitFor(1), refreshOnce(), waitFor(9)]
  const behind = play(story, { ...usual, keeps: 'all' })
  t.equal(behind.jar, 1)
  t.equal(behind.row?.generation, 2)
  t.equal(play(story, usual).jar, 2, 'one that keeps only what differs does not')
})

t.test('a request that reaches the database long after its client gave up ends an honest session', async (t) => {
  const story = (up: number) => [refreshOnce({ up }), waitFor(1), refreshOnce(), waitFor(8), refreshOnce(), waitFor(30)]
  t.equal(play(story(20), usual).endedBy, 'reuse', 'is an old token like any other')
  t.equal(play(story(3), usual).endedBy, null)
})
