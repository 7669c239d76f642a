import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { openTestDatabase, sql } from '../support/database.js'
import { newPerson } from '../support/http/people.js'
import { goodPassword, openService } from '../support/service.js'

/**
 * Checks that the time of a refused login, and of a forgotten password, does not show who has an account. It makes 2,000
 * tries each: of a login with an unknown e-mail, a known e-mail with a wrong password, and a disabled user with the right
 * password; of a forgotten password with an unknown, a known and a limited address. The kinds take turns, so
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

type Attempt = (turn: number) => { readonly url: string; readonly payload: object }

/** Makes all attempts in turn, and expects that none takes longer than another. */
async function expectSameTime(
  t: Test,
  app: FastifyInstance,
  attempts: Readonly<Record<string, Attempt>>,
  status: number
): Promise<void> {
  const kinds = Object.entries(attempts).map(([name, attempt]) => ({ name, attempt, times: [] as number[] }))
  for (let turn = 0; turn < rounds; turn += 1) {
    const first = turn % kinds.length
    // Change the order in each round: the first try of a round may pay for work that the round before left.
    for (const { name, attempt, times } of [...kinds.slice(first), ...kinds.slice(0, first)]) {
      const request = attempt(turn)
      const startedAt = performance.now()
      const { statusCode } = await app.inject({ method: 'POST', ...request })
      times.push(performance.now() - startedAt)
      if (statusCode !== status) t.fail(`${name} answered ${statusCode}`)
    }
  }
  const measured = kinds.map(({ name, times }) => [name, times.slice(-tries)] as const)
  for (const [name, samples] of measured) t.comment(`${name}: median ${median(samples).toFixed(3)} ms`)
  for (const [i, [name, samples]] of measured.entries()) {
    for (const [other, others] of measured.slice(i + 1)) {
      const chance = chanceOfLonger(samples, others)
      const difference = Math.abs(chance - 0.5)
      t.ok(difference < maxDifference, `${name} takes longer than ${other} with a chance of ${chance.toFixed(4)}`)
    }
  }
}

t.test('refused logins of unknown, known and disabled users take the same time', async (t) => {
  const database = await openTestDatabase(t, { kind: 'embedded' })
  const app = await openService(t, database)
  const known = await newPerson(app)
  const disabled = await newPerson(app)
  await sql(database, 'UPDATE "user" SET disabled_at = now() WHERE email_key = $1', disabled.email)

  const login = (email: string, password: string) => ({ url: '/login', payload: { email, password } })
  await expectSameTime(
    t,
    app,
    {
      unknown: (turn) => login(`nobody-${turn}@example.org`, 'not the right password'),
      known: () => login(known.email, 'not the right password'),
      disabled: () => login(disabled.email, goodPassword)
    },
    401
  )
})

t.test(
  'forgotten passwords of unknown and known addresses, within the limit and above it, take the same time',
  async (t) => {
    const database = await openTestDatabase(t, { kind: 'embedded' })
    const app = await openService(t, database, { RATE_LIMIT_ENABLED: 'true', MAIL_URL: '' })
    const emails: string[] = []
    const limited = await newPerson(app)
    for (let i = 0; i < rounds; i += 1) {
      const email = `person-of-turn-${i}@example.org`
      emails.push(email)
      await sql(
        database,
        `INSERT INTO "user" (id, email, email_key, password_hash) VALUES (gen_random_uuid(), $1, $1, 'none:')`,
        email
      )
    }
    // Each try has a network of its own, so that the limit of requests is not reached.
    const forgot = (turn: number, kind: number, email: string) => ({
      url: '/password/forgot',
      payload: { email },
      remoteAddress: `10.${kind}.${turn >> 8}.${turn & 255}`
    })
    await expectSameTime(
      t,
      app,
      {
        unknown: (turn) => forgot(turn, 1, `nobody-${turn}@example.org`),
        known: (turn) => forgot(turn, 2, emails[turn] ?? ''),
        limited: (turn) => forgot(turn, 3, limited.email)
      },
      202
    )
  }
)

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
