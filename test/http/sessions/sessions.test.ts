import { randomUUID } from 'node:crypto'
import t from 'tap'
import { age, openTestDatabase } from '../../support/database.js'
import { expectFieldErrors, expectProblem } from '../../support/http/contract-errors.js'
import { anotherDevice, type Device, newPerson } from '../../support/http/people.js'
import { goodPassword, openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database)

const list = async ({ client }: Device) => (await client.send('GET', '/sessions')).json().sessions
const isLive = async ({ client }: Device) => (await client.send('GET', '/me')).statusCode === 200

t.test('GET /sessions lists the devices, newest first, with all members', async (t) => {
  const laptop = await newPerson(app, 'cookie', 'laptop')
  await age(database, laptop.client.sessionId, 3600)
  const phone = await anotherDevice(app, laptop, 'body')
  const response = await laptop.client.send('GET', '/sessions')
  t.equal(response.statusCode, 200)
  const [first, second, ...others] = response.json().sessions
  t.strictSame(others, [])
  t.strictSame(Object.keys(first).sort(), [
    'created_at',
    'current',
    'device',
    'expires_at',
    'id',
    'ip',
    'last_used_at',
    'mode',
    'user_agent'
  ])
  const agent = { user_agent: 'lightMyRequest', ip: '127.0.0.1' }
  t.match(first, { id: phone.client.sessionId, current: false, mode: 'body', device: null, ...agent })
  t.match(second, { id: laptop.client.sessionId, current: true, mode: 'cookie', device: 'laptop', ...agent })
  t.ok(Math.abs(Date.parse(second.created_at) - (Date.now() - 3_600_000)) < 60_000)
  t.equal(Date.parse(second.expires_at) - Date.parse(second.last_used_at), 1_209_600_000)
  for (const time of ['created_at', 'last_used_at', 'expires_at']) t.match(first[time], /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
})

t.test('a session past its end is not listed', async (t) => {
  const here = await newPerson(app)
  const old = await anotherDevice(app, here)
  await age(database, old.client.sessionId, 1_209_600)
  t.match(await list(here), [{ id: here.client.sessionId }])
})

t.test('a long user agent is cut, not refused', async (t) => {
  const { client } = await newPerson(app)
  await client.send('POST', '/login', {
    headers: { 'user-agent': 'x'.repeat(5000) },
    payload: { email: 'nobody@example.org', password: 'none' }
  })
  const device = await newPerson(app)
  const payload = { email: device.email, password: 'correct horse battery staple' }
  await device.client.send('POST', '/login', { headers: { 'user-agent': 'x'.repeat(5000) }, payload })
  t.equal((await list(device))[0].user_agent, 'x'.repeat(400))
})

t.test('PATCH /sessions/:id renames this device or another one', async (t) => {
  const here = await newPerson(app)
  const there = await anotherDevice(app, here)
  for (const { client } of [here, there]) {
    const device = `device of ${client.sessionId}, 日本語 🦊`
    const response = await here.client.send('PATCH', `/sessions/${client.sessionId}`, { payload: { device } })
    t.equal(response.statusCode, 200)
    t.match(response.json(), { id: client.sessionId, device, current: client === here.client })
    t.strictSame(
      response.json(),
      (await list(here)).find(({ id }: { id: string }) => id === client.sessionId)
    )
  }
})

t.test('an invalid name is refused', async (t) => {
  const { client } = await newPerson(app)
  for (const payload of [{}, { device: '' }, { device: 'x'.repeat(101) }, { device: null }, { device: 'a\0b' }]) {
    expectFieldErrors(t, await client.send('PATCH', `/sessions/${client.sessionId}`, { payload }), ['device'])
  }
})

t.test('DELETE /sessions/:id ends another session of the user', async (t) => {
  const here = await newPerson(app)
  const there = await anotherDevice(app, here)
  const response = await here.client.send('DELETE', `/sessions/${there.client.sessionId}`)
  t.equal(response.statusCode, 204)
  t.equal(response.body, '')
  t.notOk(await isLive(there))
  t.ok(await isLive(here))
  expectProblem(t, await here.client.send('DELETE', `/sessions/${there.client.sessionId}`), 'not_found')
})

t.test("another user's session answers not_found and stays unchanged", async (t) => {
  const { client } = await newPerson(app)
  const stranger = await newPerson(app, 'cookie', 'kept name')
  const url = `/sessions/${stranger.client.sessionId}`
  expectProblem(t, await client.send('DELETE', url), 'not_found')
  expectProblem(t, await client.send('PATCH', url, { payload: { device: 'mine' } }), 'not_found')
  t.match(await list(stranger), [{ device: 'kept name' }])
})

t.test('an unknown or invalid session id answers not_found', async (t) => {
  const { client } = await newPerson(app)
  for (const id of [randomUUID(), 'x', '1', '%00', "'%20OR%201=1", 'undefined', 'null', 'x'.repeat(100)]) {
    expectProblem(t, await client.send('DELETE', `/sessions/${id}`), 'not_found')
    expectProblem(t, await client.send('PATCH', `/sessions/${id}`, { payload: { device: 'a' } }), 'not_found')
  }
  t.equal((await client.send('GET', '/me')).statusCode, 200)
})

t.test('DELETE /sessions ends all other sessions of this user', async (t) => {
  const here = await newPerson(app)
  const others = [await anotherDevice(app, here), await anotherDevice(app, here, 'session')]
  const stranger = await newPerson(app)
  const response = await here.client.send('DELETE', '/sessions')
  t.equal(response.statusCode, 200)
  t.strictSame(response.json(), { revoked: 2 })
  for (const other of others) t.notOk(await isLive(other))
  t.ok(await isLive(here))
  t.ok(await isLive(stranger))
  t.strictSame((await here.client.send('DELETE', '/sessions')).json(), { revoked: 0 })
  t.strictSame((await here.client.send('DELETE', '/sessions?all=false')).json(), { revoked: 0 })
})

t.test('DELETE /sessions?all=true ends the current session too', async (t) => {
  const here = await newPerson(app)
  const there = await anotherDevice(app, here)
  t.strictSame((await here.client.send('DELETE', '/sessions?all=true')).json(), { revoked: 2 })
  t.notOk(await isLive(here))
  t.notOk(await isLive(there))
})

t.test('an invalid query ends nothing', async (t) => {
  const here = await newPerson(app)
  const there = await anotherDevice(app, here)
  expectFieldErrors(t, await here.client.send('DELETE', '/sessions?all=yes'), ['all'])
  expectFieldErrors(t, await here.client.send('DELETE', '/sessions?al=true'), ['al'])
  t.ok(await isLive(there))
})

t.test('15 minutes after the login, only a user who confirms the password can end another session', async (t) => {
  for (const mode of ['cookie', 'body', 'session'] as const) {
    const laptop = await newPerson(app, mode)
    const phone = await anotherDevice(app, laptop)
    const endPhone = () => laptop.client.send('DELETE', `/sessions/${phone.client.sessionId}`)
    // The time of the login is in the row, and in the access token, which a refresh makes anew.
    await age(database, laptop.client.sessionId, 901)
    if (mode !== 'session') {
      const payload = mode === 'body' ? { refresh_token: laptop.client.refreshToken } : {}
      t.equal((await laptop.client.send('POST', '/refresh', { payload })).statusCode, 200)
    }

    expectProblem(t, await endPhone(), 'insufficient_user_authentication')
    expectProblem(t, await laptop.client.send('DELETE', '/sessions'), 'insufficient_user_authentication')
    expectProblem(t, await laptop.client.send('DELETE', '/sessions?all=true'), 'insufficient_user_authentication')
    t.ok(await isLive(phone))

    const payload = { password: goodPassword }
    t.equal((await laptop.client.send('POST', '/reauthenticate', { payload })).statusCode, 200)
    t.equal((await endPhone()).statusCode, 204)
    t.notOk(await isLive(phone))
  }
})

t.test("ending one's own session never asks for a recent login", async (t) => {
  for (const mode of ['body', 'session'] as const) {
    for (const end of ['one', 'logout'] as const) {
      const { client } = await newPerson(app, mode)
      await age(database, client.sessionId, 86_400)
      const payload = mode === 'body' ? { refresh_token: client.refreshToken } : {}
      if (mode === 'body') await client.send('POST', '/refresh', { payload })
      const { statusCode } =
        end === 'one'
          ? await client.send('DELETE', `/sessions/${client.sessionId}`)
          : await client.send('POST', '/logout', { headers: {}, payload: {} })
      t.equal(statusCode, 204, `${mode} ${end}`)
      expectProblem(
        t,
        await client.send('GET', '/me'),
        mode === 'body' || end === 'one' ? 'session_revoked' : 'missing_credentials'
      )
    }
  }
})

t.test("ending all of one's sessions asks for a recent login only if there is another one", async (t) => {
  for (const mode of ['body', 'session'] as const) {
    const laptop = await newPerson(app, mode)
    const { client } = laptop
    const phone = await anotherDevice(app, laptop)
    await age(database, client.sessionId, 86_400)
    if (mode === 'body') await client.send('POST', '/refresh', { payload: { refresh_token: client.refreshToken } })
    expectProblem(t, await client.send('DELETE', '/sessions?all=true'), 'insufficient_user_authentication')
    await phone.client.send('POST', '/logout')

    const ended = await client.send('DELETE', '/sessions?all=true')
    t.strictSame([ended.statusCode, ended.json()], [200, { revoked: 1 }])
    expectProblem(t, await client.send('GET', '/me'), 'session_revoked')
  }
})

t.test('REAUTHENTICATION_SECONDS=0 asks for no recent login', async (t) => {
  const lenient = await openService(t, database, { REAUTHENTICATION_SECONDS: '0' })
  const laptop = await newPerson(lenient, 'session')
  const phone = await anotherDevice(lenient, laptop)
  await age(database, laptop.client.sessionId, 86_400)
  t.equal((await laptop.client.send('DELETE', `/sessions/${phone.client.sessionId}`)).statusCode, 204)
})
