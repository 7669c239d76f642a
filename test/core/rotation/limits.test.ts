import t from 'tap'
import { defaultSetting } from '../../support/rotation-model/default-setting.js'
import { abuseToken, refreshOnce, type Step, stealNewest, waitFor } from '../../support/rotation-model/script.js'
import { play, thiefsKey } from '../../support/rotation-model/world.js'

/**
 * The limits of the promises in model.test.ts: the shortest stories in which one of their assumptions does not
 * hold. docs/rotation.md explains them. A protocol change that fixes one of them fails here; then the promise and the page
 * can promise more.
 */
const setting = { ...defaultSetting, policy: { graceSeconds: 8, recoveryGenerations: 3 }, giveUpSeconds: 4 }

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
  const keyless = { ...setting, key: null }
  t.equal(play(story(3), keyless).endedBy, 'reuse', 'the slow tab is two generations behind')
  t.equal(play(story(1), keyless).endedBy, null, 'a second earlier it is one generation behind')
  t.equal(play(story(3), { ...keyless, inTurn: true }).endedBy, null, 'tabs that take turns never fall behind')
  t.equal(play(story(3), setting).endedBy, null, 'nor does a client with a key')
})

t.test(
  'a thief who rotates with their own key opens one more window, in which the client gets an access token only',
  async (t) => {
    const repeat = abuseToken(Number.MAX_SAFE_INTEGER, true)
    const story = [stealNewest, repeat, waitFor(9), repeat, waitFor(1), refreshOnce(), waitFor(9)]
    t.match(play(story, setting), { endedBy: null, jar: 0 }, 'the client stays behind')
    t.equal(play([...story, refreshOnce()], setting).endedBy, 'reuse', 'and its next refresh ends the session')
  }
)

t.test('a thief who refreshes right after a client without a key each time is not caught', async (t) => {
  const story = [stealNewest, ...times(50, [waitFor(100), refreshOnce(), waitFor(1), abuseToken(0, false), waitFor(9)])]
  const keyless = { ...setting, key: null }
  t.equal(play(story, keyless).endedBy, null, 'the thief continues inside the window')
  t.equal(play(story, setting).endedBy, 'reuse', 'with a key the thief is caught')
  const strict = { ...setting.policy, graceSeconds: 0 }
  t.equal(play(story, { ...keyless, policy: strict }).endedBy, 'reuse', 'with grace 0 the thief is caught')
})

t.test('a thief with the key and the token is not caught', async (t) => {
  const story = [
    refreshOnce(),
    waitFor(1),
    stealNewest,
    ...times(50, [waitFor(100), refreshOnce(), waitFor(100), abuseToken(0, true)])
  ]
  t.equal(play(story, { ...setting, key: thiefsKey }).endedBy, null, 'the server cannot tell the thief from the client')
  t.equal(play(story, setting).endedBy, 'reuse', 'the token alone is caught')
})

t.test('a recovery in every generation would forgive a thief forever', async (t) => {
  const story = [stealNewest, ...times(50, [waitFor(9), refreshOnce(), waitFor(9), abuseToken(0, false)])]
  const recovery = (recoveryGenerations: number) =>
    play(story, { ...setting, policy: { graceSeconds: 8, recoveryGenerations } })
  t.equal(recovery(1).endedBy, null)
  t.equal(recovery(2).endedBy, 'reuse')
})

t.test('a client that keeps an unchanged token over a newer one falls behind', async (t) => {
  const story = [refreshOnce(), waitFor(7), refreshOnce({ down: 3 }), waitFor(1), refreshOnce(), waitFor(9)]
  const behind = play(story, { ...setting, keeps: 'all' })
  t.equal(behind.jar, 1)
  t.equal(behind.row?.generation, 2)
  t.equal(play(story, setting).jar, 2, 'a client that keeps only changed tokens does not')
})

t.test('a request that reaches the database long after its client gave up ends an honest session', async (t) => {
  const story = (up: number) => [refreshOnce({ up }), waitFor(1), refreshOnce(), waitFor(8), refreshOnce(), waitFor(30)]
  t.equal(play(story(20), setting).endedBy, 'reuse', 'its token is old by then')
  t.equal(play(story(3), setting).endedBy, null)
})
