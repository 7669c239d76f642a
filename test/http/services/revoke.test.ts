import t from 'tap'
import { openTestDatabase } from '../../support/database.js'
import { expectFieldErrors } from '../../support/http/contract-errors.js'
import { anotherDevice, newPerson, sessionCookie } from '../../support/http/people.js'
import { postForm, serviceSettings } from '../../support/http/services.js'
import { shiftableClock } from '../../support/http/shiftable-clock.js'
import { openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const clock = shiftableClock()
const app = await openService(t, database, serviceSettings, clock)

t.test("any token of a session ends it and leaves the user's other sessions alone", async (t) => {
  for (const kind of ['access', 'refresh', 'session'] as const) {
    const person = await newPerson(app, kind === 'session' ? 'session' : 'body')
    const { client } = person
    const other = await anotherDevice(app, person)
    const tokens = {
      access: client.accessToken,
      refresh: client.refreshToken,
      session: client.cookies.get(sessionCookie)
    }
    const response = await postForm(app, '/revoke', { token: tokens[kind] ?? '' })
    t.equal(response.statusCode, 200, kind)
    t.equal(response.body, '')
    t.match((await client.send('GET', '/me')).json(), { code: 'session_revoked' })
    t.equal((await other.client.send('GET', '/me')).statusCode, 200)
  }
})

t.test('an unknown token, or one of an ended session, answers 200', async (t) => {
  const { client } = await newPerson(app, 'body')
  for (const token of ['x', 'lk_rt_x', client.refreshToken, client.refreshToken, client.accessToken]) {
    t.equal((await postForm(app, '/revoke', { token })).statusCode, 200)
  }
})

t.test('a damaged or expired token ends nothing', async (t) => {
  const { client } = await newPerson(app, 'body')
  const damaged = client.refreshToken.slice(0, -2) + (client.refreshToken.endsWith('AA') ? 'BB' : 'AA')
  await postForm(app, '/revoke', { token: damaged })
  clock.shiftSeconds = 601
  await postForm(app, '/revoke', { token: client.accessToken })
  clock.shiftSeconds = 0
  t.equal((await client.send('GET', '/me')).statusCode, 200)
})

t.test('an invalid form is refused', async (t) => {
  expectFieldErrors(t, await postForm(app, '/revoke', {}), ['token'])
})
