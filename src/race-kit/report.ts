import type { RaceResult } from './judge.js'
import { promises } from './oracle.js'

const shownViolations = 5

/** What was tried and what held, as a table for people. */
export function raceReport({ options, held, judgements, faults, counts }: RaceResult): string {
  const rows = judgements.map(({ promise, tried, violations }) => [
    violations.length === 0 ? 'held' : 'BROKEN',
    String(tried),
    String(violations.length),
    promises[promise]
  ])
  const found = judgements.flatMap(({ promise, violations }) =>
    violations.slice(0, shownViolations).map(({ sid, what }) => `  ${promise}: ${what} (session ${sid})`)
  )
  return [
    `${counts.sessions} sessions, ${counts.refreshes} refreshes, ${counts.generations} generations, seed ${options.seed}`,
    `Faults: ${[...Object.entries(faults), ['overtaken', counts.overtaken]].map(([name, count]) => `${name} ${count}`).join(', ')}`,
    `Thieves: ${counts.thefts} used what they stole, ${counts.thievesCaught} were caught, the others stayed inside the window or idle`,
    `Answers: ${counts.announced503} announced 503, ${counts.unanswered} connections without an answer`,
    ...(counts.excused === 0 ? [] : [`Too slow to judge the first promise by: ${counts.excused} sessions`]),
    '',
    ...table([['result', 'tried', 'broken', 'promise'], ...rows]),
    ...(found.length === 0 ? [] : ['', ...found]),
    '',
    held ? 'Every promise held.' : 'A promise was broken.',
    ''
  ].join('\n')
}

/** The same for machines. */
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

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0))) ?? []
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  )
}
