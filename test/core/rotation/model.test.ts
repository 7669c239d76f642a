import fc from 'fast-check'
import t from 'tap'
import { defaultSetting } from '../../support/rotation-model/default-setting.js'
import {
  answersAfterEnd,
  answersOfOverlongWindow,
  answersToOldTokens,
  newerTokensInsideWindow,
  refreshesOfBoth
} from '../../support/rotation-model/promises.js'
import { contestedScript, honestScript, quietEnd } from '../../support/rotation-model/script.js'
import { type History, play, type Setting } from '../../support/rotation-model/world.js'

/**
 * The three promises of the rotation protocol, each against thousands of scripts: any number of tabs on one cookie jar,
 * requests and responses that are late, lost, duplicated and reordered, a thief with any earlier token, revocations, and
 * time. A test changes the default setting if its promise needs that; limits.test.ts shows what no promise covers.
 */
const runs = { seed: 30, numRuns: 4000 }

const strict = { graceSeconds: 0, recoveryGenerations: 3 }

const always = (script: typeof honestScript, setting: Partial<Setting>, holds: (history: History) => boolean) =>
  fc.assert(
    fc.property(script, (steps) => holds(play(steps, { ...defaultSetting, ...setting }))),
    runs
  )

const continues = ({ endedBy, row, jar }: History) => endedBy === null && row?.generation === jar
const wasForgiven = ({ answers }: History) => answers.some(({ verdict }) => verdict === 'recover')

t.test('an honest client is never ended', async (t) => {
  const script = honestScript.map((steps) => [...steps, ...quietEnd])

  always(script, { key: null, losses: 'none', copies: false }, (history) => continues(history) && !wasForgiven(history))
  t.pass('any number of tabs at once without a key, if no response is lost: not even a recovery is needed')

  always(script, {}, continues)
  t.pass('any number of tabs at once with the key of the session, whatever is lost, late or duplicated')

  always(script, { policy: { ...defaultSetting.policy, recoveryGenerations: 0 } }, continues)
  t.pass('the same without recovery')

  always(script, { inTurn: true, copies: false, key: null, losses: 3 }, continues)
  t.pass('one refresh at a time without a key, if one response in `recoveryGenerations` is lost')

  always(script, { inTurn: true, copies: false, losses: 'none', policy: strict }, continues)
  t.pass('with grace 0, one refresh at a time if no response is lost')
})

t.test(
  'outside the window, a thief and an honest client cannot both continue for more than one refresh each',
  async (t) => {
    always(contestedScript, {}, (history) => refreshesOfBoth(history) <= 1)
    t.pass('a client with a key that the thief does not have')

    always(contestedScript, { key: null }, (history) => refreshesOfBoth(history) <= 1)
    t.pass('a client without a key')

    always(
      contestedScript,
      { policy: { ...defaultSetting.policy, recoveryGenerations: 2 } },
      (it) => refreshesOfBoth(it) <= 1
    )
    t.pass('with the smallest recovery')

    always(
      contestedScript,
      { policy: { ...defaultSetting.policy, recoveryGenerations: 0 } },
      (it) => refreshesOfBoth(it) === 0
    )
    t.pass('without recovery not even once')

    always(contestedScript, { policy: strict }, (it) => refreshesOfBoth(it) === 0)
    t.pass('with grace 0 not even once')

    always(contestedScript, {}, (history) => answersToOldTokens(history).length === 0)
    t.pass(
      'a token two generations behind ends the session, except for the client of the last rotation, within its window'
    )

    always(
      contestedScript,
      {},
      (history) => answersOfOverlongWindow(history, defaultSetting.policy.graceSeconds).length === 0
    )
    t.pass('nobody keeps a window open: each generation has at most two')
  }
)

t.test('a thief without the key never receives a newer token inside the window of a client with a key', async (t) => {
  always(contestedScript, {}, (history) => newerTokensInsideWindow(history).length === 0)
  t.pass('with no key or a key of their own, whatever is lost, late or duplicated')
})

t.test('an ended session never lives again', async (t) => {
  const life = { idleSeconds: 40, absoluteSeconds: 150 }
  always(contestedScript, { life }, (history) => {
    return answersAfterEnd(history).length === 0 && (history.endedBy === null) === (history.row !== null)
  })
  t.pass('revoked, reused, idle or too old: no token is returned again, and no refresh in flight brings the row back')
})

t.test('the scripts reach every case of the protocol', async (t) => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(contestedScript, (steps) => {
      const history = play(steps, { ...defaultSetting, life: { idleSeconds: 40, absoluteSeconds: 150 } })
      for (const { party, verdict, inWindow } of history.answers)
        seen.add(`${party} ${verdict} ${inWindow ? 'in' : 'out'}`)
      seen.add(`ended by ${history.endedBy}`).add(`both went on ${refreshesOfBoth(history)}`)
    }),
    runs
  )
  const wanted = ['honest', 'thief'].flatMap((party) =>
    [
      'rotate out',
      'current in',
      'replay in',
      'access_only in',
      'renew out',
      'recover out',
      'reuse out',
      'reuse in',
      'expired out'
    ].map((verdict) => `${party} ${verdict}`)
  )
  const ends = ['ended by null', 'ended by revoked', 'ended by reuse', 'ended by expired', 'both went on 1']
  t.strictSame(
    [...wanted, ...ends].filter((it) => !seen.has(it)),
    [],
    'both parties get every verdict, and the session ends in every way'
  )
})
