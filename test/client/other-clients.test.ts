import axios from 'axios'
import { type AxiosAuthRefreshOptions, createAuthRefresh } from 'axios-auth-refresh'
import ky from 'ky'
import t from 'tap'
import { CookieJar } from '../support/client/cookie-jar.js'
import { openRealService } from '../support/client/real-service.js'
import { newEmail } from '../support/http/people.js'
import { goodPassword as password } from '../support/service.js'

/** Well-known HTTP clients, without our client, against the real service. */
const { baseURL, storm } = await openRealService(t)
const requests = Array.from({ length: 30 })

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
