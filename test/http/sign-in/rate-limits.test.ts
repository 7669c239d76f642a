import t from 'tap'
import { openTestDatabase } from '../../support/database.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { copyOf, newEmail, newPerson } from '../../support/http/people.js'
import { goodPassword, openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database, { RATE_LIMIT_ENABLED: 'true' })

const limits = [
  ['POST', '/register', 120],
  ['POST', '/password', 60],
  ['POST', '/reauthenticate', 60],
  ['DELETE', '/me', 60]
] as const

for (const [method, url, max] of limits) {
  t.test(`${method} ${url}: ${max} requests a minute from one address, then 429 with Retry-After`, async (t) => {
    // Requests that fail early count too, so probing has a price.
    const remoteAddress = `192.0.2.${limits.findIndex((limit) => limit[1] === url)}`
    const send = () => app.inject({ method, url, remoteAddress })
    for (let request = 0; request < max; request += 1) {
      if ((await send()).statusCode === 429) t.fail(`request ${request + 1} of ${max} is refused`)
    }
    const response = await send()
    expectProblem(t, response, 'too_many_requests')
    const wait = Number(response.headers['retry-after'])
    t.ok(wait > 0 && wait <= 60, `${wait} s`)
    t.not(
      (await app.inject({ method, url, remoteAddress: '198.51.100.1' })).statusCode,
      429,
      'another address is not limited'
    )
  })
}

t.test('one network can create 30 accounts a minute; another network still can', async (t) => {
  const register = (remoteAddress: string, email: string, password = goodPassword) =>
    app.inject({ method: 'POST', url: '/register', remoteAddress, payload: { email, password, mode: 'access' } })
  const from = '203.0.113.77'
  const taken = newEmail()
  t.equal((await register(from, taken)).statusCode, 201)
  t.equal((await register(from, taken)).statusCode, 409, 'an address that is taken counts too')
  t.equal((await register(from, newEmail(), 'short')).statusCode, 400, 'a password that is not accepted does not count')
  for (let account = 2; account < 30; account += 1) t.equal((await register(from, newEmail())).statusCode, 201)
  expectProblem(t, await register(from, newEmail()), 'too_many_requests')
  t.equal((await register('203.0.113.78', newEmail())).statusCode, 201)
  const metrics = (await app.inject('/metrics')).body
  t.match(metrics, 'latchkey_registrations_total{outcome="limited"} 1')
})

t.test('concurrent requests count too', async (t) => {
  const request = () => app.inject({ method: 'POST', url: '/register', remoteAddress: '203.0.113.1' })
  const responses = await Promise.all(Array.from({ length: 150 }, request))
  t.equal(responses.filter(({ statusCode }) => statusCode !== 429).length, 120)
})

t.test('X-Forwarded-For from an untrusted client does not change its limit', async (t) => {
  let refused = 0
  for (let request = 0; request < 61; request += 1) {
    const headers = { 'x-forwarded-for': `203.0.113.${request}` }
    const response = await app.inject({ method: 'DELETE', url: '/me', remoteAddress: '192.0.2.250', headers })
    if (response.statusCode === 429) refused += 1
  }
  t.equal(refused, 1)
})

t.test('behind a trusted proxy each client has its own limit, whatever it claims', async (t) => {
  const behindProxy = await openService(t, database, { RATE_LIMIT_ENABLED: 'true', TRUST_PROXY: '10.0.0.0/8' })
  const send = (forwardedFor: string) =>
    behindProxy.inject({
      method: 'DELETE',
      url: '/me',
      remoteAddress: '10.1.2.3',
      headers: { 'x-forwarded-for': forwardedFor }
    })
  let refused = 0
  for (let request = 0; request < 61; request += 1) {
    if ((await send(`192.0.2.${request}, 203.0.113.1`)).statusCode === 429) refused += 1
  }
  t.equal(refused, 1)
  t.not((await send('203.0.113.2')).statusCode, 429)
})

t.test('an IPv6 client is its /64', async (t) => {
  let refused = 0
  for (let request = 0; request < 61; request += 1) {
    const remoteAddress = `2001:db8:1:2:${request.toString(16)}::1`
    if ((await app.inject({ method: 'DELETE', url: '/me', remoteAddress })).statusCode === 429) refused += 1
  }
  t.equal(refused, 1)
  t.not((await app.inject({ method: 'DELETE', url: '/me', remoteAddress: '2001:db8:1:3::1' })).statusCode, 429)
})

t.test('one session can refresh 240 times a minute, also concurrently; then it waits and stays alive', async (t) => {
  const { client } = await newPerson(app)
  const { client: other } = await newPerson(app)
  const statuses: number[] = []
  for (let burst = 0; burst < 25; burst += 1) {
    const tabs = Array.from({ length: 10 }, () => copyOf(client))
    const responses = await Promise.all(tabs.map((tab) => tab.send('POST', '/refresh')))
    statuses.push(...responses.map(({ statusCode }) => statusCode))
  }
  t.equal(statuses.filter((status) => status === 200).length, 240)
  t.equal(statuses.filter((status) => status === 429).length, 10)
  const limited = await client.send('POST', '/refresh')
  expectProblem(t, limited, 'too_many_requests')
  const wait = Number(limited.headers['retry-after'])
  t.ok(wait > 0 && wait <= 60, `${wait} s`)
  t.equal((await client.send('GET', '/me')).statusCode, 200, 'reading is not limited')
  t.equal((await other.send('POST', '/refresh')).statusCode, 200, 'another session is not limited')
  t.equal((await client.send('POST', '/logout')).statusCode, 204, 'logout is not limited')
})

t.test('a forged refresh token counts against no limit', async (t) => {
  const { client } = await newPerson(app, 'body')
  const forged = `${client.refreshToken.slice(0, -2)}AA`
  for (let request = 0; request < 250; request += 1) {
    const response = await app.inject({ method: 'POST', url: '/refresh', payload: { refresh_token: forged } })
    if (response.statusCode !== 401) t.fail(`${response.statusCode}`)
  }
  const payload = { refresh_token: client.refreshToken }
  t.equal((await client.send('POST', '/refresh', { payload })).statusCode, 200)
})

t.test('RATE_LIMIT_ENABLED=false limits nothing', async (t) => {
  const open = await openService(t, database, { RATE_LIMIT_ENABLED: 'false' })
  for (let request = 0; request < 61; request += 1) {
    if ((await open.inject({ method: 'DELETE', url: '/me' })).statusCode === 429) t.fail('429')
  }
})
