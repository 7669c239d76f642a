import axios, { type AxiosInstance } from 'axios'
import { type AxiosAuthRefreshOptions, createAuthRefresh } from 'axios-auth-refresh'
import ky from 'ky'
import t from 'tap'
import { authorizeAxios } from '../../src/client/axios.js'
import { type AuthClientOptions, type AuthState, createAuthClient } from '../../src/client/index.js'
import { type Runtime, systemRuntime } from '../../src/client/runtime.js'
import { CookieJar } from '../support/client/cookie-jar.js'
import { age, openTestDatabase, sql } from '../support/database.js'
import { adminEmail, signInAdmin } from '../support/http/admin.js'
import { newEmail } from '../support/http/people.js'
import { shiftableClock } from '../support/http/shiftable-clock.js'
import { openService, goodPassword as password } from '../support/service.js'

/** Our client, and well-known HTTP clients, against the real service. */
const database = await openTestDatabase(t, { kind: 'embedded' })
const clock = shiftableClock()
const app = await openService(t, database, { ADMIN_EMAIL: adminEmail, ADMIN_PASSWORD: password }, clock)
const baseURL = await app.listen({ port: 0 })

/** The system's runtime without the pauses between attempts. */
const quickRuntime: Runtime = {
  ...systemRuntime,
  schedule: (action, milliseconds, idle) =>
    systemRuntime.schedule(action, milliseconds < 10_000 ? 0 : milliseconds, idle)
}

/** A new user's client, signed in, with its own cookie jar. */
async function newClient(options: AuthClientOptions = {}) {
  const jar = new CookieJar()
  const storage = storageIn(new Map())
  const settings = { baseURL, storage, fetch: jar.fetch, ...options }
  const auth = createAuthClient(settings, quickRuntime)
  const person = { email: newEmail(), password }
  await auth.register(person)
  const states: AuthState[] = []
  auth.onChange((state) => states.push(state))
  t.teardown(() => auth.close())
  jar.requestedPaths.splice(0)
  return { auth, jar, states, person, settings }
}

function storageIn(stored: Map<string, string>) {
  return {
    get: (name: string) => stored.get(name),
    set: (name: string, value: string) => stored.set(name, value),
    remove: (name: string) => stored.delete(name)
  }
}

function sessionOf(state: AuthState): string {
  if (state.status !== 'signed_in') throw new Error(`Nobody is signed in: ${JSON.stringify(state)}`)
  return state.sessionId
}

async function recoveries(sid: string): Promise<number> {
  const rows = await sql(
    database,
    `SELECT 1 FROM event WHERE session_id = $1::uuid AND type = 'refresh_recovered'`,
    sid
  )
  return rows.length
}

/** From now on every earlier access token is refused, and the next refresh of `sid` rotates. */
async function storm(sid: string): Promise<void> {
  const admin = await signInAdmin(app)
  const rotated = await admin.send('POST', '/admin/keys/rotate', { payload: { revoke_old: true } })
  if (rotated.statusCode !== 200) throw new Error(rotated.body)
  await age(database, sid, 60)
}

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
  const change = { current_password: password, new_password: 'another rather long password' }
  const headers = { 'content-type': 'application/json' }
  t.equal((await there.fetch('/password', { method: 'POST', headers, body: JSON.stringify(change) })).status, 204)
  t.equal((await here.fetch('/me')).status, 401)
  t.strictSame(here.state, { status: 'signed_out', reason: 'password_changed' })
})

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

const requests = Array.from({ length: 30 })

t.test('authorizeAxios refreshes once for many 401s at once', async (t) => {
  const { auth, jar } = await newClient()
  const instance = axios.create({ baseURL })
  const undo = authorizeAxios(instance, auth)
  const sid = sessionOf(auth.state)
  for (let round = 0; round < 3; round += 1) {
    await storm(sid)
    const answers = await Promise.all(requests.map(() => instance.get('/me')))
    t.ok(answers.every(({ data }) => data.session_id === sid))
    t.equal(jar.takeCount('/refresh'), 1)
  }
  await storm(sid)
  const named = await instance.patch(`/sessions/${sid}`, { device: 'renamed' })
  t.match(named.data, { device: 'renamed' }, 'the body is repeated too')

  const wrong = { current_password: 'a wrong one', new_password: 'another rather long password' }
  await t.rejects(instance.post('/password', wrong), { name: 'AxiosError', response: { status: 401 } })
  t.equal(jar.takeCount('/refresh'), 1, 'only the refresh before')
  await t.rejects(instance.get('/me', { headers: { authorization: 'Bearer mine' } }), {
    name: 'AxiosError',
    response: { status: 401 }
  })

  const { headers } = (await instance.get('https://elsewhere.test/', { adapter: echo })).config
  t.notOk(headers.has('authorization'), 'another origin receives no token')

  await auth.revoke(sid)
  await t.rejects(instance.get('/me'), { name: 'AxiosError', response: { status: 401 } })
  undo()
  await t.rejects(instance.get('/me'), { name: 'AxiosError', response: { data: { code: 'missing_credentials' } } })
})

t.test('axios with unmodified axios-auth-refresh survives many 401s at once', async (t) => {
  const { held, instance, refreshes } = await axiosClient({ deduplicateRefresh: false })
  for (let round = 0; round < 4; round += 1) {
    await storm(held.session_id)
    const answers = await Promise.all(requests.map(() => instance.get('/me')))
    t.ok(answers.every(({ data }) => data.session_id === held.session_id))
    t.not(refreshes.splice(0).length, 0)
  }
})

t.test('by default axios-auth-refresh delays new requests while it refreshes', async (t) => {
  // It rejects requests that get a 401 during the refresh, so the test above turns this off.
  const { held, instance, refreshes, refreshing } = await axiosClient({})
  await storm(held.session_id)
  const first = instance.get('/me')
  await refreshing
  const answers = await Promise.all([first, ...requests.map(() => instance.get('/me'))])
  t.ok(answers.every(({ status }) => status === 200))
  t.equal(refreshes.length, 1)
})

t.test('unmodified ky survives many 401s at once although each request refreshes', async (t) => {
  const jar = new CookieJar()
  let held = await signUp(jar, 'cookie')
  const api = ky.create({
    prefixUrl: baseURL,
    fetch: jar.fetch,
    retry: { limit: 1, statusCodes: [401], delay: () => 0 },
    hooks: {
      beforeRequest: [(request) => request.headers.set('authorization', `Bearer ${held.access_token}`)],
      beforeRetry: [
        async ({ request }) => {
          held = await ky.post(`${baseURL}/refresh`, { fetch: jar.fetch }).json()
          request.headers.set('authorization', `Bearer ${held.access_token}`)
        }
      ]
    }
  })
  for (let round = 0; round < 4; round += 1) {
    await storm(held.session_id)
    const answers = await Promise.all(requests.map(() => api.get('me').json<{ session_id: string }>()))
    t.ok(answers.every(({ session_id }) => session_id === held.session_id))
    t.equal(jar.takeCount('/refresh'), requests.length)
  }
})

t.test('plain fetch survives when each 401 causes its own refresh', async (t) => {
  const jar = new CookieJar()
  let held = await signUp(jar, 'cookie')
  const asHeld = () => ({ headers: { authorization: `Bearer ${held.access_token}` } })
  const api = async (path: string) => {
    const response = await jar.fetch(baseURL + path, asHeld())
    if (response.status !== 401) return response
    held = (await (await jar.fetch(`${baseURL}/refresh`, { method: 'POST' })).json()) as Held
    return jar.fetch(baseURL + path, asHeld())
  }
  for (let round = 0; round < 4; round += 1) {
    await storm(held.session_id)
    const answers = await Promise.all(requests.map(() => api('/me')))
    t.ok(answers.every(({ status }) => status === 200))
    t.equal(jar.takeCount('/refresh'), requests.length)
  }
})

interface Held {
  readonly access_token: string
  readonly refresh_token: string
  readonly session_id: string
}

async function signUp(jar: CookieJar, mode: string): Promise<Held> {
  const response = await jar.fetch(`${baseURL}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: newEmail(), password, mode })
  })
  return response.json() as Promise<Held>
}

/** The code of axios-auth-refresh's README, in body mode. */
async function axiosClient(options: AxiosAuthRefreshOptions) {
  const held = await signUp(new CookieJar(), 'body')
  const refreshes: string[] = []
  let begun = () => {}
  const refreshing = new Promise<void>((resolve) => {
    begun = resolve
  })
  const instance = axios.create({ baseURL })
  instance.interceptors.request.use((config) => {
    config.headers.set('authorization', `Bearer ${held.access_token}`)
    return config
  })
  createAuthRefresh(
    // Its types refer to the CommonJS types of axios.
    instance as unknown as Parameters<typeof createAuthRefresh>[0],
    async () => {
      refreshes.push(held.refresh_token)
      begun()
      const { data } = await axios.post(`${baseURL}/refresh`, { refresh_token: held.refresh_token })
      Object.assign(held, data)
    },
    options
  )
  return { held, instance, refreshes, refreshing }
}

const echo: NonNullable<AxiosInstance['defaults']['adapter']> = async (config) => ({
  data: '',
  status: 200,
  statusText: '',
  headers: {},
  config
})
