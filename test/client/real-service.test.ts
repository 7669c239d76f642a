import t from 'tap'
import { createAuthClient } from '../../src/client/index.js'
import { CookieJar } from '../support/client/cookie-jar.js'
import { openRealService, quickRuntime, sessionOf } from '../support/client/real-service.js'
import { storageIn } from '../support/client/storage.js'
import { age } from '../support/database.js'
import { goodPassword as password } from '../support/service.js'

/** Our client against the real service. */
const { baseURL, clock, database, newClient, recoveries, storm } = await openRealService(t)

t.test('a client in cookie mode registers, lists its sessions, ends them, and logs out', async (t) => {
  const { auth, person, settings, states } = await newClient()
  const other = createAuthClient({ ...settings, fetch: new CookieJar().fetch }, quickRuntime)
  await other.login({ ...person, device: 'tablet' })
  t.match(await (await auth.fetch('/me')).json(), { email: person.email, session_id: sessionOf(auth.state) })
  t.match(await auth.sessions(), [
    { device: 'tablet', current: false },
    { device: null, current: true }
  ])
  await auth.revoke(sessionOf(other.state))
  t.equal((await other.fetch('/me')).status, 401)
  t.strictSame(other.state, { status: 'signed_out', reason: 'revoked_by_user' })
  await auth.logout()
  t.strictSame(states, [{ status: 'signed_out', reason: 'logged_out' }])
  await t.rejects(auth.login({ ...person, password: 'another one' }), { code: 'invalid_credentials', status: 401 })
})

for (const mode of ['cookie', 'body'] as const) {
  t.test(`in ${mode} mode a refresh whose response was lost is completed hours later, after a restart`, async (t) => {
    const { auth, jar, settings } = await newClient({ mode })
    const sid = sessionOf(auth.state)
    jar.losesNextResponse = () => true
    for (let lost = 0; lost < 3; lost += 1) {
      await t.rejects(auth.refresh(), { code: 'network_error' })
      t.equal(jar.takeCount('/refresh'), 3)
      await age(database, sid, 7200)
    }
    jar.losesNextResponse = () => false
    const restarted = createAuthClient(settings, quickRuntime)
    t.equal((await restarted.fetch('/me')).status, 200)
    t.equal(sessionOf(restarted.state), sid)
    t.equal(await recoveries(sid), 0, 'the idempotency key was enough, no recovery')
  })
}

t.test('clients that share only a cookie jar stay signed in through many rotations', async (t) => {
  const { auth, jar, settings } = await newClient()
  const sid = sessionOf(auth.state)
  const tabs = [
    auth,
    ...Array.from({ length: 5 }, () => createAuthClient({ ...settings, storage: storageIn(new Map()) }, quickRuntime))
  ]
  for (let round = 0; round < 5; round += 1) {
    await storm(sid)
    const answers = await Promise.all(tabs.flatMap((tab) => [tab.fetch('/me'), tab.fetch('/me')]))
    t.ok(answers.every(({ status }) => status === 200))
    t.ok(jar.takeCount('/refresh') >= tabs.length)
  }
})

t.test('three tabs without locks stay signed in while all responses of every third round are lost', async (t) => {
  const { auth, jar, settings } = await newClient()
  const sid = sessionOf(auth.state)
  const tabs = [auth, createAuthClient(settings, quickRuntime), createAuthClient(settings, quickRuntime)]
  for (let round = 0; round < 15; round += 1) {
    await age(database, sid, 60)
    jar.losesNextResponse = () => round % 3 === 0
    const outcomes = await Promise.allSettled(tabs.map((tab) => tab.refresh()))
    const failures = outcomes.filter(({ status }) => status === 'rejected')
    t.equal(failures.length, round % 3 === 0 ? tabs.length : 0, `round ${round}`)
  }
  t.equal(await recoveries(sid), 0, 'every tab has the same idempotency key')
})

t.test('the app learns the reason when reuse was detected or the password was changed elsewhere', async (t) => {
  const stored = new Map<string, string>()
  const { auth, states } = await newClient({ mode: 'body', storage: storageIn(stored) })
  const [name = ''] = [...stored.keys()].filter((key) => key.endsWith('refresh_token'))
  const stolen = stored.get(name)
  for (let round = 0; round < 2; round += 1) {
    await storm(sessionOf(auth.state))
    await auth.refresh()
  }
  await storm(sessionOf(auth.state))
  const theft = await fetch(`${baseURL}/refresh`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ refresh_token: stolen })
  })
  t.equal(theft.status, 401)
  t.equal((await auth.fetch('/me')).status, 401)
  t.strictSame(states, [{ status: 'signed_out', reason: 'reuse_detected' }])

  const { auth: here, person, settings } = await newClient()
  const there = createAuthClient({ ...settings, fetch: new CookieJar().fetch }, quickRuntime)
  await there.login(person)
  await there.changePassword({ currentPassword: password, newPassword: 'another rather long password' })
  t.equal((await here.fetch('/me')).status, 401)
  t.strictSame(here.state, { status: 'signed_out', reason: 'password_changed' })
})

t.test(
  'a new password and a re-authentication replace the session, and the client goes on, in every mode',
  async (t) => {
    for (const mode of ['cookie', 'body', 'session', 'access'] as const) {
      const { auth, states } = await newClient({ mode })
      const sids = [sessionOf(auth.state)]
      await t.rejects(auth.reauthenticate({ password: 'a wrong one' }), { code: 'invalid_credentials' })
      await auth.changePassword({ currentPassword: password, newPassword: 'another rather long password' })
      sids.push(sessionOf(auth.state))
      await auth.reauthenticate({ password: 'another rather long password' })
      sids.push(sessionOf(auth.state))
      t.equal(new Set(sids).size, 3, mode)
      t.match(await auth.sessions(), [{ id: sids[2], current: true }])
      await auth.refresh()
      t.equal((await auth.fetch('/me')).status, 200)
      t.notOk(states.some(({ status }) => status === 'signed_out'))
    }
  }
)

t.test('a second login ends the session that it replaces, in every mode', async (t) => {
  for (const mode of ['cookie', 'body', 'session'] as const) {
    const { auth, person } = await newClient({ mode })
    await auth.login({ ...person, device: 'second' })
    const devices = async () => (await auth.sessions()).map(({ device }) => device)
    // In body mode the client logs the old session out after the login.
    while ((await devices()).length > 1) await new Promise(setImmediate)
    t.strictSame(await devices(), ['second'])
  }
})

t.test('session mode uses a cookie and no token, and the client notices the end of the session', async (t) => {
  const { auth, person, settings } = await newClient({ mode: 'session' })
  t.equal(await auth.getAccessToken(), undefined)
  t.equal((await auth.fetch('/me')).status, 200)
  const reloaded = createAuthClient(settings, quickRuntime)
  await reloaded.refresh()
  t.strictSame(reloaded.state, auth.state)
  const other = createAuthClient({ ...settings, fetch: new CookieJar().fetch }, quickRuntime)
  await other.login(person)
  t.equal(await other.revokeOthers(), 1)
  t.equal((await auth.fetch('/me')).status, 401)
  t.strictSame(auth.state, { status: 'signed_out', reason: 'session_revoked' })
})

t.test('in access mode the session ends with the access token', async (t) => {
  const { auth, jar } = await newClient({ mode: 'access' })
  t.equal((await auth.fetch('/me')).status, 200)
  clock.shiftSeconds = 700
  t.equal((await auth.fetch('/me')).status, 401)
  clock.shiftSeconds = 0
  t.strictSame(auth.state, { status: 'signed_out', reason: 'token_expired' })
  t.equal(jar.takeCount('/refresh'), 0)
})

t.test('a redirect to another origin carries no token', async (t) => {
  const { createServer } = await import('node:http')
  const seen: unknown[] = []
  const elsewhere = createServer((request, response) => {
    seen.push(request.headers.authorization)
    response.end()
  }).listen(0)
  const redirecting = createServer((_, response) => {
    const address = elsewhere.address()
    response.writeHead(307, { location: `http://127.0.0.1:${typeof address === 'object' && address?.port}/` }).end()
  }).listen(0)
  t.teardown(() => [elsewhere, redirecting].map((server) => server.close()))
  const address = redirecting.address()
  const origin = `http://127.0.0.1:${typeof address === 'object' && address?.port}`
  const { auth } = await newClient({ mode: 'body', origins: [origin] })
  await auth.fetch(origin)
  t.strictSame(seen, [undefined])
})
