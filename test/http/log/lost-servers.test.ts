import t from 'tap'
import type { Database } from '../../../src/adapters/prisma/database.js'
import { buildApp } from '../../../src/app.js'
import { loadConfig } from '../../../src/config/read-config.js'
import { Unavailable } from '../../../src/ports/errors.js'
import { openTestDatabase } from '../../support/database.js'
import { until } from '../../support/faults/crowd.js'
import { keptLog } from '../../support/http/log-lines.js'
import { newEmail } from '../../support/http/people.js'
import { goodPassword, testEnvironment } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const payload = { email: newEmail(), password: goodPassword }

t.test('a database that is away for many requests is one line when it is lost and one when it is back', async (t) => {
  const log = keptLog('info')
  let isAway = false
  const run: Database['run'] = (operation) =>
    isAway
      ? Promise.reject(new Unavailable('The database cannot serve now.', 1, { cause: new Error('ECONNREFUSED') }))
      : database.run(operation)
  const app = await buildApp(loadConfig(testEnvironment), {
    database: { ...database, run },
    logger: log.logger,
    refusalMilliseconds: 0
  })
  t.teardown(() => app.close())
  const login = async () => (await app.inject({ method: 'POST', url: '/login', payload })).statusCode
  const linesOf = (text: string) => log.lines().filter(({ msg }) => String(msg).startsWith(text))

  isAway = true
  let requests = 0
  await until(async () => {
    t.equal(await login(), 503)
    requests += 1
    return linesOf('The database is lost').length > 0
  })
  for (let i = 0; i < 5; i++) t.equal(await login(), 503)
  t.equal((await app.inject('/readyz')).statusCode, 503)
  isAway = false
  // A probe finds it back. Its route does not log at this level.
  await until(async () => (await app.inject('/readyz')).statusCode === 200)
  for (let i = 0; i < 5; i++) t.equal(await login(), 401)

  t.match(linesOf('The database is'), [
    {
      level: 40,
      msg: 'The database is lost: it serves nothing',
      reason: 'The database cannot serve now. ECONNREFUSED'
    },
    { level: 30, msg: 'The database is back' }
  ])
  t.equal(linesOf('The database is').length, 2)
  t.match(linesOf('This instance is ready again'), [{ level: 30, reqId: undefined }])
  t.equal(log.lines().filter(({ res }) => res !== undefined).length, requests + 10, 'one line for each request')
  t.notMatch(log.text(), '"stack"')
})

t.test('a Redis that is away is one line, without its password', async (t) => {
  const log = keptLog('info')
  const environment = { ...testEnvironment, RATE_LIMIT_ENABLED: 'true', REDIS_URL: 'redis://:hunter2@127.0.0.1:1' }
  const app = await buildApp(loadConfig(environment), { database, logger: log.logger, refusalMilliseconds: 0 })
  t.teardown(() => app.close())
  for (let i = 0; i < 5; i++) t.equal((await app.inject({ method: 'POST', url: '/login', payload })).statusCode, 401)
  t.equal(log.lines().filter(({ msg }) => String(msg).startsWith('Redis is lost')).length, 1)
  t.notMatch(log.text(), 'hunter2')
})

t.test('a service for breached passwords that is away is a line of the request, with the reason', async (t) => {
  const log = keptLog('info')
  const environment = { ...testEnvironment, BREACHED_PASSWORDS_URL: 'http://127.0.0.1:1/range' }
  const app = await buildApp(loadConfig(environment), { database, logger: log.logger })
  t.teardown(() => app.close())
  const headers = { 'x-request-id': 'of-the-proxy' }
  const { statusCode } = await app.inject({ method: 'POST', url: '/register', payload, headers })
  t.equal(statusCode, 201)
  const lines = log.lines().filter(({ msg }) => String(msg).startsWith('BREACHED_PASSWORDS_URL'))
  t.match(lines, [{ level: 40, reqId: 'of-the-proxy', reason: /ECONNREFUSED|bad port/ }])
  t.notMatch(log.text(), '"stack"')
})
