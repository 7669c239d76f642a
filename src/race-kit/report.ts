import { textTable } from '../core/text-table.js'
import type { RaceResult } from './judge.js'
import { promises } from './oracle.js'

const maxViolations = 5

/**
 * The result as text for people: what was tried, a table of the promises, and up to five violations of each.
 *
 * @example
 * ```ts
 * import { race, raceReport } from 'latchkey/testing'
 *
 * const urls = ['https://auth.example.com']
 * const report = raceReport(await race({ urls, clients: 1, seconds: 1, seed: 1, graceSeconds: 1 }))
 * console.log(report.split('\n').at(-2)) // Every promise held.
 * ```
 */
export function raceReport({ options, held, judgements, faults, counts }: RaceResult): string {
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
    `Faults: ${faultCounts.map(([name, count]) => `${name} ${count}`).join(', ')}`,
    `Thieves: ${counts.thefts} used stolen tokens, ${counts.thievesCaught} were caught; the others stayed inside the grace window or idle`,
    `Responses: ${counts.announced503} times 503 with Retry-After, ${counts.unanswered} connections closed without a response`,
    ...(counts.excused === 0 ? [] : [`Too slow to judge the first promise by: ${counts.excused} sessions`]),
    '',
    ...textTable([['result', 'tried', 'broken', 'promise'], ...rows]),
    ...(found.length === 0 ? [] : ['', ...found]),
    '',
    held ? 'Every promise held.' : 'A promise was broken.',
    ''
  ].join('\n')
}

/**
 * The result as JSON, as `latchkey race --json` prints it.
 *
 * @example
 * ```ts
 * import { race, raceJson } from 'latchkey/testing'
 *
 * const urls = ['https://auth.example.com']
 * const json = raceJson(await race({ urls, clients: 1, seconds: 1, seed: 1, graceSeconds: 1 }))
 * console.log(json.held, json.sessions, json.grace_seconds) // true 1 1
 * ```
 */
export function raceJson({ options, held, judgements, faults, counts }: RaceResult): object {
  return {
    seed: options.seed,
    clients: options.clients,
    seconds: options.seconds,
    grace_seconds: options.graceSeconds,
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
    ended: counts.ended,
    too_slow_to_judge: counts.excused
  }
}
