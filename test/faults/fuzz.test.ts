import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { openTestDatabase } from '../support/database.js'
import { seeded } from '../support/faults/seed.js'
import { crowdOf, fuzz } from '../support/http/fuzz.js'
import { hostileValues } from '../support/http/hostile-json.js'
import { serviceSettings } from '../support/http/services.js'
import { operationsOf, specificationOf } from '../support/http/specification.js'
import { goodPassword, openService } from '../support/service.js'

t.setTimeout(3_600_000)

/** Requests to each route in each round; FUZZ_RUNS changes it. */
const runs = Number(process.env.FUZZ_RUNS ?? 100)
const rounds = 4
const seed = seeded(t)(2 ** 31)
const collectGarbage = garbageCollector()

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database, {
  ...serviceSettings,
  ADMIN_EMAIL: 'ops@example.org',
  ADMIN_PASSWORD: goodPassword
})
const crowd = crowdOf(app)
const operations = operationsOf(await specificationOf(app))
/** These routes end everybody's sessions, and everybody must sign in again, so they get fewer requests. */
const endsEverybodys = ['POST /admin/sessions/revoke-all', 'POST /admin/keys/rotate']

t.test('thousands of hostile requests cause no 5xx, pass no guard, and leak no memory', async (t) => {
  const used: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const statuses = new Map<number, number>()
    for (const named of operations) {
      const count = endsEverybodys.includes(named.name) ? Math.ceil(runs / 20) : runs
      for (const [status, times] of await fuzz(app, crowd, named, {
        seed: seed + round,
        runs: count,
        values: hostileValues
      })) {
        statuses.set(status, (statuses.get(status) ?? 0) + times)
      }
    }
    collectGarbage()
    const { heapUsed, external } = process.memoryUsage()
    used.push((heapUsed + external) / 2 ** 20)
    t.comment(`${Math.round(used.at(-1) ?? 0)} MiB after ${[...statuses].map((pair) => pair.join(' × ')).join(', ')}`)
  }
  // The first round loads and compiles code, so the second one is the baseline.
  const [, second = 0, , last = 0] = used
  t.ok(last - second < 16, `from ${second.toFixed(1)} to ${last.toFixed(1)} MiB`)
})

/** Node's garbage collector, which is available only with a flag. */
function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
