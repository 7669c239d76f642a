import { textTable } from '../../core/text-table.js'
import { thiefKinds } from '../plan/kinds.js'
import type { Grace } from '../players/grace.js'
import type { RaceResult } from './judge.js'
import { promises } from './promises.js'
import type { ThiefCount } from './thieves.js'

const maxViolations = 5

/**
 * The result as text for people: what was tried, what became of the thieves, a table of the promises, and up to five
 * violations of each.
 *
 * @example
 * ```ts
 * import { race, raceReport } from 'latchkey/testing'
 *
 * const urls = ['https://auth.example.com']
 * const report = raceReport(await race({ urls, clients: 1, seconds: 1, seed: 1 }))
 * console.log(report.split('\n').at(-2)) // Every promise held.
 * ```
 */
export function raceReport({ options, grace, held, judgements, faults, thieves, counts }: RaceResult): string {
  const rows = judgements.map(({ promise, tried, violations }) => [
    violations.length === 0 ? 'held' : 'BROKEN',
    String(tried),
    String(violations.length),
    promises[promise]
  ])
  const found = judgements.flatMap(({ promise, violations }) =>
    violations.slice(0, maxViolations).map(({ sid, what }) => `  ${promise}: ${what} (session ${sid})`)
  )
  const faultCounts = [...Object.entries(faults), ['overtaken', counts.overtaken]]
  return [
    `${counts.sessions} sessions, ${counts.refreshes} refreshes, ${counts.generations} generations, seed ${options.seed}`,
    describeGrace(grace, options.graceSeconds),
    `Faults: ${faultCounts.map(([name, count]) => `${name} ${count}`).join(', ')}`,
    `Responses: ${counts.announced503} times 503 with Retry-After, ${counts.unanswered} requests without a response within 30 s`,
    ...(counts.excused === 0 ? [] : [`Too slow to judge the first promise by: ${counts.excused} sessions`]),
    '',
    ...textTable([thiefHead, ...thieves.map(thiefRow)]),
    '',
    ...textTable([['result', 'tried', 'broken', 'promise'], ...rows]),
    ...(found.length === 0 ? [] : ['', ...found]),
    '',
    held ? 'Every promise held.' : 'A promise was broken.',
    ''
  ].join('\n')
}

const thiefHead = ['thieves', 'caught', 'no newer token', 'went along', 'with event', 'kind']

function thiefRow({ kind, clientHasKey, thieves, caught, heldOff, wentAlong, leftEvent }: ThiefCount): string[] {
  const counts = [thieves, caught, heldOff, wentAlong, leftEvent].map(String)
  return [...counts, `${kind}: ${thiefKinds[kind]}${clientHasKey ? '' : '; its client sends no key'}`]
}

function describeGrace({ seconds, fromFeatures }: Grace, asked: number | undefined): string {
  if (!fromFeatures)
    return `Grace: ${seconds} s${asked === undefined ? ' by default' : ''}, because the service has no /features`
  return `Grace: ${seconds} s, from /features${asked === undefined || asked === seconds ? '' : `, not ${asked} s`}`
}

/**
 * The result as JSON, as `latchkey race --json` prints it.
 *
 * @example
 * ```ts
 * import { race, raceJson } from 'latchkey/testing'
 *
 * const urls = ['https://auth.example.com']
 * const json = raceJson(await race({ urls, clients: 1, seconds: 1, seed: 1 }))
 * console.log(json.held, json.sessions, json.grace_seconds) // true 1 1
 * ```
 */
export function raceJson({ options, grace, held, judgements, faults, thieves, counts }: RaceResult): object {
  return {
    seed: options.seed,
    clients: options.clients,
    seconds: options.seconds,
    grace_seconds: grace.seconds,
    grace_from_features: grace.fromFeatures,
    held,
    promises: judgements,
    faults: { ...faults, overtaken: counts.overtaken },
    sessions: counts.sessions,
    refreshes: counts.refreshes,
    generations: counts.generations,
    announced_503: counts.announced503,
    unanswered: counts.unanswered,
    thieves: counts.thefts,
    thieves_caught: counts.thievesCaught,
    thieves_by_kind: thieves.map(({ clientHasKey, heldOff, wentAlong, leftEvent, ...rest }) => ({
      ...rest,
      client_has_key: clientHasKey,
      held_off: heldOff,
      went_along: wentAlong,
      left_event: leftEvent
    })),
    ended: counts.ended,
    too_slow_to_judge: counts.excused
  }
}
