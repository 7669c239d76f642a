import axios, { type AxiosInstance } from 'axios'
import { type AxiosAuthRefreshOptions, createAuthRefresh } from 'axios-auth-refresh'
import ky from 'ky'
import t from 'tap'
import { authorizeAxios } from '../../src/client/axios.js'
import { type AuthClientOptions, type AuthState, createAuthClient } from '../../src/client/index.js'
import { type Runtime, systemRuntime } from '../../src/client/runtime.js'
import { Jar } from '../support/client/cookie-jar.js'
import { age, openTestDatabase, sql } from '../support/database.js'
import { adminEmail, signInAdmin } from '../support/http/admin.js'
import { newEmail } from '../support/http/people.js'
import { shiftableClock } from '../support/http/shiftable-clock.js'
import { openService, goodPassword as password } from '../support/service.js'

/** The client, and other people's, against the service itself. */
const database = await openTestDatabase(t, { kind: 'embedded' })
const clock = shiftableClock()
const app = await openService(t, database, { ADMIN_EMAIL: adminEmail, ADMIN_PASSWORD: password }, clock)
const baseURL = await app.listen({ port: 0 })

/** As in earnest, but without the pauses between attempts. */
const hasty: Runtime = {
  ...systemRuntime,
  schedule: (action, milliseconds, idle) =>
    systemRuntime.schedule(action, milliseconds < 10_000 ? 0 : milliseconds, idle)
}

/** Somebody new, signed in with a jar of their own. */
async function newClient(options: AuthClientOptions = {}) {
  const jar = new Jar()
  const storage = storageIn(new Map())
  const settings = { baseURL, storage, fetch: jar.fetch, ...options }
  const auth = createAuthClient(settings, hasty)
  const person = { email: newEmail(), password }
  await auth.register(person)
  const told: AuthState[] = []
  auth.onChange((state) => told.push(state))
  t.teardown(() => auth.close())
  jar.asked.splice(0)
  return { auth, jar, told, person, settings }
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

/** Every access token that was issued until now is refused from now on, and the next refresh of `sid` rotates. */
async function storm(sid: string): Promise<void> {
  const admin = await signInAdmin(app)
  const rotated = await admin.send('POST', '/admin/keys/rotate', { payload: { revoke_old: true } })
  if (rotated.statusCode !== 200) throw new Error(rotated.body)
  await age(database, sid, 60)
}

t.test('a client in cookie mode registers, lists its devices, ends them, and logs out', async (t) => {
  const { auth, person, settings, told } = await newClient()
  const other = createAuthClient({ ...settings, fetch: new Jar().fetch }, hasty)
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
  t.strictSame(told, [{ status: 'signed_out', reason: 'logged_out' }])
  await t.rejects(auth.login({ ...person, password: 'another one' }), { code: 'invalid_credentials', status: 401 })
})

for (const mode of ['cookie', 'body'] as const) {
  t.test(`in ${mode} mode a refresh whose response was lost is finished hours later, after a restart`, async (t) => {
    const { auth, jar, settings } = await newClient({ mode })
    const sid = sessionOf(auth.state)
    jar.loses = () => true
    for (let lost = 0; lost < 3; lost += 1) {
      await t.rejects(auth.refresh(), { code: 'network_error' })
      t.equal(jar.count('/refresh'), 3)
      await age(database, sid, 7200)
    }
    jar.loses = () => false
    const restarted = createAuthClient(settings, hasty)
    t.equal((await restarted.fetch('/me')).status, 200)
    t.equal(sessionOf(restarted.state), sid)
    t.equal(await recoveries(sid), 0, 'the key, and no forgiveness')
  })
}

t.test('clients that share a jar and nothing else go on through many rotations', async (t) => {
  const { auth, jar, settings } = await newClient()
  const sid = sessionOf(auth.state)
  const tabs = [
    auth,
    ...Array.from({ length: 5 }, () => createAuthClient({ ...settings, storage: storageIn(new Map()) }, hasty))
  ]
  for (let round = 0; round < 5; round += 1) {
    await storm(sid)
    const answers = await Promise.all(tabs.flatMap((tab) => [tab.fetch('/me'), tab.fetch('/me')]))
    t.ok(answers.every(({ status }) => status === 200))
    t.ok(jar.count('/refresh') >= tabs.length)
  }
})

t.test('three tabs without locks go on through a network that is down every third time', async (t) => {
  const { auth, jar, settings } = await newClient()
  const sid = sessionOf(auth.state)
  const tabs = [auth, createAuthClient(settings, hasty), createAuthClient(settings, hasty)]
  for (let round = 0; round < 15; round += 1) {
    await age(database, sid, 60)
    jar.loses = () => round % 3 === 0
    const outcomes = await Promise.allSettled(tabs.map((tab) => tab.refresh()))
    const failures = outcomes.filter(({ status }) => status === 'rejected')
    t.equal(failures.length, round % 3 === 0 ? tabs.length : 0, `round ${round}`)
  }
  t.equal(await recoveries(sid), 0, 'whichever tab finishes it, it has the key')
})

t.test('reuse is told to the app, and so is a password that was changed elsewhere', async (t) => {
  const stored = new Map<string, string>()
  const { auth, told } = await newClient({ mode: 'body', storage: storageIn(stored) })
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
  t.strictSame(told, [{ status: 'signed_out', reason: 'reuse_detected' }])

  const { auth: here, person, settings } = await newClient()
  const there = createAuthClient({ ...settings, fetch: new Jar().fetch }, hasty)
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
    // In body mode the client tells the service of it, after the login.
    while ((await devices()).length > 1) await new Promise(setImmediate)
    t.strictSame(await devices(), ['second'])
  }
})

t.test('session mode: a cookie and no token; its end is noticed', async (t) => {
  const { auth, person, settings } = await newClient({ mode: 'session' })
  t.equal(await auth.getAccessToken(), undefined)
  t.equal((await auth.fetch('/me')).status, 200)
  const reloaded = createAuthClient(settings, hasty)
  await reloaded.refresh()
  t.strictSame(reloaded.state, auth.state)
  const other = createAuthClient({ ...settings, fetch: new Jar().fetch }, hasty)
  await other.login(person)
  t.equal(await other.revokeOthers(), 1)
  t.equal((await auth.fetch('/me')).status, 401)
  t.strictSame(auth.state, { status: 'signed_out', reason: 'session_revoked' })
})

t.test('access mode: when the token has run out, so has the session', async (t) => {
  const { auth, jar } = await newClient({ mode: 'access' })
  t.equal((await auth.fetch('/me')).status, 200)
  clock.shiftSeconds = 700
  t.equal((await auth.fetch('/me')).status, 401)
  clock.shiftSeconds = 0
  t.strictSame(auth.state, { status: 'signed_out', reason: 'token_expired' })
  t.equal(jar.count('/refresh'), 0)
})

t.test('a redirect to another origin takes no token along', async (t) => {
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

t.test('the interceptor for axios, through a storm of 401s', async (t) => {
  const { auth, jar } = await newClient()
  const instance = axios.create({ baseURL })
  const undo = authorizeAxios(instance, auth)
  const sid = sessionOf(auth.state)
  for (let round = 0; round < 3; round += 1) {
    await storm(sid)
    const answers = await Promise.all(requests.map(() => instance.get('/me')))
    t.ok(answers.every(({ data }) => data.session_id === sid))
    t.equal(jar.count('/refresh'), 1)
  }
  await storm(sid)
  const named = await instance.patch(`/sessions/${sid}`, { device: 'renamed' })
  t.match(named.data, { device: 'renamed' }, 'a body is sent again, too')

  const wrong = { current_password: 'a wrong one', new_password: 'another rather long password' }
  await t.rejects(instance.post('/password', wrong), { name: 'AxiosError', response: { status: 401 } })
  t.equal(jar.count('/refresh'), 1, 'only the one before')
  await t.rejects(instance.get('/me', { headers: { authorization: 'Bearer mine' } }), {
    name: 'AxiosError',
    response: { status: 401 }
  })

  const { headers } = (await instance.get('https://elsewhere.test/', { adapter: echo })).config
  t.notOk(headers.has('authorization'), 'no other origin sees the token')

  await auth.revoke(sid)
  await t.rejects(instance.get('/me'), { name: 'AxiosError', response: { status: 401 } })
  undo()
  await t.rejects(instance.get('/me'), { name: 'AxiosError', response: { data: { code: 'missing_credentials' } } })
})

t.test('axios with axios-auth-refresh, unmodified, through a storm of 401s', async (t) => {
  const { held, instance, refreshes } = await axiosClient({ deduplicateRefresh: false })
  for (let round = 0; round < 4; round += 1) {
    await storm(held.session_id)
    const answers = await Promise.all(requests.map(() => instance.get('/me')))
    t.ok(answers.every(({ data }) => data.session_id === held.session_id))
    t.not(refreshes.splice(0).length, 0)
  }
})

t.test('by default it holds back what is asked for while it refreshes', async (t) => {
  // What was under way before, and is refused meanwhile, it rejects: that is why the storm does without.
  const { held, instance, refreshes, refreshing } = await axiosClient({})
  await storm(held.session_id)
  const first = instance.get('/me')
  await refreshing
  const answers = await Promise.all([first, ...requests.map(() => instance.get('/me'))])
  t.ok(answers.every(({ status }) => status === 200))
  t.equal(refreshes.length, 1)
})

t.test('ky, unmodified, through a storm of 401s in which each request refreshes for itself', async (t) => {
  const jar = new Jar()
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
    t.equal(jar.count('/refresh'), requests.length)
  }
})

t.test('plain fetch, where every 401 is followed by a refresh of its own', async (t) => {
  const jar = new Jar()
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
    t.equal(jar.count('/refresh'), requests.length)
  }
})

interface Held {
  readonly access_token: string
  readonly refresh_token: string
  readonly session_id: string
}

async function signUp(jar: Jar, mode: string): Promise<Held> {
  const response = await jar.fetch(`${baseURL}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: newEmail(), password, mode })
  })
  return response.json() as Promise<Held>
}

/** As the README of axios-auth-refresh has it, in body mode. */
async function axiosClient(options: AxiosAuthRefreshOptions) {
  const held = await signUp(new Jar(), 'body')
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
    // Its types mean those of axios for CommonJS.
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
