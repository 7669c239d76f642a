import t from 'tap'
import { openTestDatabase, sql } from '../support/database.js'
import { newPerson } from '../support/http/people.js'
import { goodPassword, openService } from '../support/service.js'

/**
 * Checks that the time of a refused login does not show who has an account. It makes 2,000 tries each with an unknown
 * e-mail, a known e-mail with a wrong password, and a disabled user with the right password. The kinds take turns, so
 * that other work of the machine affects them equally. The cost of a hash is the lowest, so that other differences show
 * most.
 */
const tries = 2000
const rounds = tries + 200
/**
 * The chance that a try of one kind takes longer than a try of another is 0.5 if their times do not differ. It may
 * differ from 0.5 by this much: five standard errors, each 0.009 at 2,000 tries.
 */
const maxDifference = 0.045

t.setTimeout(600_000)

t.test('refused logins of unknown, known and disabled users take the same time', async (t) => {
  const database = await openTestDatabase(t, { kind: 'embedded' })
  const app = await openService(t, database)
  const known = await newPerson(app)
  const disabled = await newPerson(app)
  await sql(database, 'UPDATE "user" SET disabled_at = now() WHERE email_key = $1', disabled.email)

  const attempts = {
    unknown: (turn: number) => ({ email: `nobody-${turn}@example.org`, password: 'not the right password' }),
    known: () => ({ email: known.email, password: 'not the right password' }),
    disabled: () => ({ email: disabled.email, password: goodPassword })
  }
  const names = ['unknown', 'known', 'disabled'] as const
  const times: Record<(typeof names)[number], number[]> = { unknown: [], known: [], disabled: [] }
  for (let turn = 0; turn < rounds; turn += 1) {
    // Change the order in each round: the first try of a round may pay for work that the round before left.
    for (const name of [...names.slice(turn % 3), ...names.slice(0, turn % 3)]) {
      const payload = attempts[name](turn)
      const startedAt = performance.now()
      const { statusCode } = await app.inject({ method: 'POST', url: '/login', payload })
      times[name].push(performance.now() - startedAt)
      if (statusCode !== 401) t.fail(`${name} answered ${statusCode}`)
    }
  }

  const measured = names.map((name) => [name, times[name].slice(-tries)] as const)
  for (const [name, samples] of measured) t.comment(`${name}: median ${median(samples).toFixed(3)} ms`)
  for (const [i, [name, samples]] of measured.entries()) {
    for (const [other, others] of measured.slice(i + 1)) {
      const chance = chanceOfLonger(samples, others)
      const difference = Math.abs(chance - 0.5)
      t.ok(difference < maxDifference, `${name} takes longer than ${other} with a chance of ${chance.toFixed(4)}`)
    }
  }
})

/** The share of pairs in which the value of `a` is larger than that of `b`; ties count half (Mann-Whitney U). */
function chanceOfLonger(a: readonly number[], b: readonly number[]): number {
  const sorted = b.toSorted((x, y) => x - y)
  const below = (value: number, orEqual: boolean) => {
    let [low, high] = [0, sorted.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const at = sorted[middle] ?? Number.POSITIVE_INFINITY
      if (at < value || (orEqual && at === value)) low = middle + 1
      else high = middle
    }
    return low
  }
  const wins = a.reduce((sum, value) => sum + (below(value, false) + below(value, true)) / 2, 0)
  return wins / (a.length * b.length)
}

function median(samples: readonly number[]): number {
  return samples.toSorted((a, b) => a - b)[samples.length >> 1] ?? Number.NaN
}
