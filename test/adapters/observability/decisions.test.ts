import t from 'tap'
import { buildApp } from '../../../src/app.js'
import { loadConfig } from '../../../src/config/read-config.js'
import { loggerOptions } from '../../../src/http/log/logger-options.js'
import { openTestDatabase } from '../../support/database.js'
import { newEmail } from '../../support/http/people.js'
import { Client, testEnvironment } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const lines: string[] = []
const stream = { write: (line: string) => void lines.push(line) }
const app = await buildApp(loadConfig({ ...testEnvironment, REFRESH_GRACE_SECONDS: '0' }), {
  database,
  logger: { ...loggerOptions('debug'), stream }
})
t.teardown(() => app.close())
t.beforeEach(() => void lines.splice(0))

const decided = () => lines.map((line) => JSON.parse(line)).filter(({ decision }) => decision !== undefined)

t.test('a refused login is logged with its outcome and without the e-mail address', async (t) => {
  const email = newEmail()
  await new Client(app).send('POST', '/login', { payload: { email, password: 'a rather long password' } })
  t.match(decided(), [{ level: 30, decision: 'login', outcome: 'unknown_email' }])
  t.notOk(lines.some((line) => line.includes(email)))
})

t.test('the end of a session is logged with its sid and reason', async (t) => {
  const client = new Client(app)
  await client.signIn(newEmail())
  await client.send('DELETE', `/sessions/${client.sessionId}`)
  t.match(decided().at(-1), { level: 30, decision: 'revocation', reason: 'logged_out', sid: client.sessionId })
})

t.test('a routine refresh is logged at debug level, reuse as a warning, and no line holds a token', async (t) => {
  const client = new Client(app)
  await client.signIn(newEmail(), { mode: 'body' })
  const stolen = client.refreshToken
  const refresh = () => client.send('POST', '/refresh', { payload: { refresh_token: stolen } })
  await refresh()
  await refresh()

  const sid = client.sessionId
  t.match(decided().slice(-3), [
    { level: 20, decision: 'refresh', outcome: 'rotated', sid },
    { level: 30, decision: 'revocation', reason: 'reuse_detected', sid },
    { level: 40, decision: 'refresh', outcome: 'reuse', sid }
  ])
  t.notOk(lines.some((line) => /lk_rt_|eyJ/.test(line)))
})
