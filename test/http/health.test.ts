import t from 'tap'
import { Unavailable } from '../../src/ports/errors.js'
import { openTestDatabase } from '../support/database.js'
import { expectProblem } from '../support/http/contract-errors.js'
import { openService } from '../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })

t.test('GET /healthz and GET /readyz answer ok', async (t) => {
  const app = await openService(t, database)
  for (const url of ['/healthz', '/readyz']) {
    const response = await app.inject(url)
    t.equal(response.statusCode, 200)
    t.strictSame(response.json(), { status: 'ok' })
  }
})

t.test('without its database the process is alive but not ready', async (t) => {
  let away = false
  const app = await openService(t, {
    ...database,
    run: (operation) => (away ? Promise.reject(new Unavailable('away', 3)) : database.run(operation))
  })
  away = true
  t.equal((await app.inject('/healthz')).statusCode, 200)
  const response = await app.inject('/readyz')
  expectProblem(t, response, 'unavailable')
  t.equal(response.headers['retry-after'], '3')

  away = false
  t.equal((await app.inject('/readyz')).statusCode, 200)
})
