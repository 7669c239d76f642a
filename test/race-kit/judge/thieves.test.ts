import t from 'tap'
import { judge } from '../../../src/race-kit/judge/judge.js'
import { raceJson, raceReport } from '../../../src/race-kit/judge/report.js'
import { countThieves } from '../../../src/race-kit/judge/thieves.js'
import type { SessionHistory } from '../../../src/race-kit/record/history.js'
import { history, refusal, rotation, seen } from '../../support/race/histories.js'

const robbed = (observations: SessionHistory['observations'], changes: Partial<SessionHistory> = {}) =>
  history(observations, { scenario: 'theft', thief: 'token', thefts: [0], ...changes })
const byThief = { sender: 'thief' } as const

const caught = robbed([rotation(10, 1, byThief), refusal(50)])
const heldOff = robbed([seen(10, byThief), rotation(20, 1)])
const wentAlong = robbed([rotation(10, 1, byThief)], { thief: 'storage', recoveries: 2 })
const onNoKey = robbed([rotation(10, 1, byThief)], { thief: 'window', kind: 'no_key' })
const neverUsed = robbed([rotation(10, 1)], { thief: 'oracle' })
const histories = [caught, heldOff, heldOff, wentAlong, onNoKey, neverUsed, history([rotation(10, 1)])]

t.test('thieves are counted by kind, and by whether their client sends a key', async (t) => {
  const none = { clientHasKey: true, thieves: 1, caught: 0, heldOff: 0, wentAlong: 0, leftEvent: 0 }
  t.strictSame(countThieves(histories), [
    { kind: 'window', ...none, clientHasKey: false, wentAlong: 1 },
    { kind: 'storage', ...none, wentAlong: 1, leftEvent: 1 },
    { kind: 'token', ...none, thieves: 3, caught: 1, heldOff: 2 }
  ])
})

t.test('the report and its JSON show the thieves by kind, and where the grace came from', async (t) => {
  const urls = ['http://a.test'] as const
  const options = { urls, clients: 7, seconds: 1, seed: 1, graceSeconds: 5 }
  const run = { options, plans: [], histories, unknown: [] }
  const judged = judge({ ...run, grace: { seconds: 2, fromFeatures: true } })
  const report = raceReport(judged)
  t.match(report, 'Grace: 2 s, from /features, not 5 s\n')
  t.match(report, /\b1 +0 +0 +1 +1 +storage: has the token and the key\n/)
  t.match(report, /\b3 +1 +2 +0 +0 +token: has the token only\n/)
  t.match(report, /\b1 +0 +0 +1 +0 +window: refreshes right after the client, each time; its client sends no key\n/)
  t.match(raceJson(judged), {
    grace_seconds: 2,
    grace_from_features: true,
    thieves: 5,
    thieves_by_kind: [
      { kind: 'window', client_has_key: false },
      { kind: 'storage', thieves: 1, went_along: 1, left_event: 1 },
      { kind: 'token', caught: 1, held_off: 2 }
    ]
  })
  const asked = judge({ ...run, grace: { seconds: 5, fromFeatures: false } })
  t.match(raceReport(asked), 'Grace: 5 s, because the service has no /features\n')
})
