import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { buildApp } from '../../src/app.js'
import { loadConfig } from '../../src/config/read-config.js'
import { Unavailable } from '../../src/ports/errors.js'
import { openTestDatabase, sql } from '../support/database.js'
import { expectProblem } from '../support/http/contract-errors.js'
import { newPerson } from '../support/http/people.js'
import { openService, testEnvironment } from '../support/service.js'

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

t.test('without an active signing key the process is not ready', async (t) => {
  const app = await buildApp(loadConfig(testEnvironment), { database, keyTiming: { checkMilliseconds: 10 } })
  t.teardown(() => app.close())
  const { client } = await newPerson(app)
  const retire = (at: string | null) => sql(database, 'UPDATE signing_key SET retires_at = $1::timestamptz', at)
  const untilRefreshIs = async (status: number) => {
    while ((await client.send('POST', '/refresh')).statusCode !== status) await delay(5)
  }
  await retire('2000-01-01')
  await untilRefreshIs(503)
  const response = await app.inject('/readyz')
  expectProblem(t, response, 'unavailable')
  t.match(response.headers['retry-after'], /^[1-9]\d*$/)
  t.equal((await app.inject('/healthz')).statusCode, 200)

  await retire(null)
  t.equal((await app.inject('/readyz')).statusCode, 200, 'the keys are read again')
})
