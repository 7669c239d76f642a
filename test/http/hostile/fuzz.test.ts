import t from 'tap'
import { openTestDatabase, sql } from '../../support/database.js'
import { crowdOf, fuzz } from '../../support/http/fuzz.js'
import { sampleValues } from '../../support/http/hostile-json.js'
import { serviceSettings } from '../../support/http/services.js'
import { operationsOf, specificationOf } from '../../support/http/specification.js'
import { processTestMilliseconds } from '../../support/processes/process.js'
import { goodPassword, openService } from '../../support/service.js'

t.setTimeout(processTestMilliseconds)

/** Fuzzing never causes a 500, never bypasses a guard, and every response fits its schema. */
const runs = 12
/** These end everybody's sessions, and nobody can sign in again in the same second. */
const runsOf: Readonly<Record<string, number>> = { 'POST /admin/sessions/revoke-all': 5, 'POST /admin/keys/rotate': 5 }
const seed = 20_261_122

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database, {
  ...serviceSettings,
  ADMIN_EMAIL: 'ops@example.org',
  ADMIN_PASSWORD: goodPassword
})
const crowd = crowdOf(app)

for (const named of operationsOf(await specificationOf(app))) {
  t.test(named.name, async (t) => {
    const statuses = await fuzz(app, crowd, named, { seed, runs: runsOf[named.name] ?? runs, values: sampleValues })
    t.pass([...statuses].map(([status, count]) => `${count} × ${status}`).join(', '))
  })
}

t.test('no request made anybody an admin', async (t) => {
  const admins = await sql(database, `SELECT email FROM "user" WHERE 'admin' = ANY (roles)`)
  t.strictSame(admins, [{ email: 'ops@example.org' }])
})
