import fc from 'fast-check'
import t from 'tap'
import {
  answersAfterEnd,
  answersOfHeldWindow,
  answersToTheLongGone,
  refreshesOfBoth
} from '../support/rotation-model/promises.js'
import { contestedScript, honestScript, quietEnd } from '../support/rotation-model/script.js'
import { usual } from '../support/rotation-model/usual.js'
import { type History, play, type Setting } from '../support/rotation-model/world.js'

/**
 * The three promises of the rotation protocol, each against thousands of scripts: any number of tabs
 * on one cookie jar, requests and responses that are late, lost, doubled and overtaken, a thief with
 * any token that was ever handed out, revocations, and time. What a promise needs beyond the usual
 * setting stands in its test; what it does not cover stands in rotation-limits.test.ts.
 */
const runs = { seed: 30, numRuns: 4000 }

const strict = { graceSeconds: 0, recoveryGenerations: 3 }

const always = (script: typeof honestScript, setting: Partial<Setting>, holds: (history: History) => boolean) =>
  fc.assert(
    fc.property(script, (steps) => holds(play(steps, { ...usual, ...setting }))),
    runs
  )

const goesOn = ({ endedBy, row, jar }: History) => endedBy === null && row?.generation === jar
const wasForgiven = ({ answers }: History) => answers.some(({ verdict }) => verdict === 'recover')

t.test('an honest client is never ended', async (t) => {
  const script = honestScript.map((steps) => [...steps, ...quietEnd])

  always(script, { key: null, losses: 'none', copies: false }, (history) => goesOn(history) && !wasForgiven(history))
  t.pass('any number of tabs at once, without a key, where no response is lost: not even a recovery is needed')

  always(script, {}, goesOn)
  t.pass('any number of tabs at once with the key of the session, whatever is lost, late or doubled')

  always(script, { policy: { ...usual.policy, recoveryGenerations: 0 } }, goesOn)
  t.pass('the same without recovery')

  always(script, { inTurn: true, copies: false, key: null, losses: 3 }, goesOn)
  t.pass('one refresh at a time without a key, where one response in `recoveryGenerations` is lost')

  always(script, { inTurn: true, copies: false, losses: 'none', policy: strict }, goesOn)
  t.pass('with grace 0, one refresh at a time where no response is lost')
})

t.test('outside the window, a thief and an honest client cannot both continue for more than one refresh each', async (t) => {
  always(contestedScript, {}, (history) => refreshesOfBoth(history) <= 1)
  t.pass('a client with a key, which the thief does not have')

  always(contestedScript, { key: null }, (history) => refreshesOfBoth(history) <= 1)
  t.pass('a client without a key')

  always(contestedScript, { policy: { ...usual.policy, recoveryGenerations: 2 } }, (it) => refreshesOfBoth(it) <= 1)
  t.pass('with the least recovery there is')

  always(contestedScript, { policy: { ...usual.policy, recoveryGenerations: 0 } }, (it) => refreshesOfBoth(it) === 0)
  t.pass('without recovery not even one')

  always(contestedScript, { policy: strict }, (it) => refreshesOfBoth(it) === 0)
  t.pass('nor with grace 0')

  always(contestedScript, {}, (history) => answersToTheLongGone(history).length === 0)
  t.pass('a token two generations behind ends the session, but for whoever made the last rotation, in its window')

  always(contestedScript, {}, (history) => answersOfHeldWindow(history, usual.policy.graceSeconds).length === 0)
  t.pass('nobody holds a window open: one generation has it twice at most')
})

t.test('an ended session never lives again', async (t) => {
  const life = { idleSeconds: 40, absoluteSeconds: 150 }
  always(contestedScript, { life }, (history) => {
    return answersAfterEnd(history).length === 0 && (history.endedBy === null) === (history.row !== null)
  })
  t.pass('revoked, reused, idle or too old: nothing is handed out again, and no refresh in flight brings the row back')
})

t.test('the scripts reach every case of the protocol', async (t) => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(contestedScript, (steps) => {
      const history = play(steps, { ...usual, life: { idleSeconds: 40, absoluteSeconds: 150 } })
      for (const { party, verdict, inWindow } of history.answers)
        seen.add(`${party} ${verdict} ${inWindow ? 'in' : 'out'}`)
      seen.add(`ended by ${history.endedBy}`).add(`both went on ${refreshesOfBoth(history)}`)
    }),
    runs
  )
  const wanted = ['honest', 'thief'].flatMap((party) =>
    ['rotate out', 'current in', 'replay in', 'replay out', 'recover out', 'reuse out', 'reuse in', 'expired out'].map(
      (verdict) => `${party} ${verdict}`
    )
  )
  const ends = ['ended by null', 'ended by revoked', 'ended by reuse', 'ended by expired', 'both went on 1']
  t.strictSame(
    [...wanted, ...ends].filter((it) => !seen.has(it)),
    [],
    'every verdict is given to both parties, and every end is reached'
  )
})
