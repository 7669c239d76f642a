import t from 'tap'
import { openTestDatabase } from '../database.js'
import { goodPassword, openService } from '../service.js'
import { expectProblem } from './contract-errors.js'
import { newEmail, newPerson } from './people.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database, { RATE_LIMIT_ENABLED: 'true' })

const limits = [
  ['POST', '/login', 300],
  ['POST', '/register', 120],
  ['POST', '/password', 60],
  ['DELETE', '/me', 60]
] as const

for (const [method, url, max] of limits) {
  t.test(`${method} ${url}: ${max} in a minute from one address, then 429 with Retry-After`, async (t) => {
    // Requests that fail early count, too: nobody probes for free.
    const remoteAddress = `192.0.2.${max}`
    const send = () => app.inject({ method, url, remoteAddress })
    for (let request = 0; request < max; request += 1) {
      if ((await send()).statusCode === 429) t.fail(`request ${request + 1} of ${max} is refused`)
    }
    const response = await send()
    expectProblem(t, response, 'too_many_requests')
    const wait = Number(response.headers['retry-after'])
    t.ok(wait > 0 && wait <= 60, `${wait} s`)
    t.not((await app.inject({ method, url, remoteAddress: '198.51.100.1' })).statusCode, 429, 'another address is not')
  })
}

t.test('guesses at once count, too', async (t) => {
  const payload = { email: newEmail(), password: goodPassword, mode: 'none' }
  const guess = () => app.inject({ method: 'POST', url: '/login', remoteAddress: '203.0.113.1', payload })
  const statuses: number[] = []
  for (let burst = 0; burst < 11; burst += 1) {
    const responses = await Promise.all(Array.from({ length: 30 }, guess))
    statuses.push(...responses.map(({ statusCode }) => statusCode))
  }
  t.equal(statuses.filter((status) => status !== 429).length, 300)
})

t.test('X-Forwarded-For of somebody whom we do not trust is another way to the same limit', async (t) => {
  let refused = 0
  for (let request = 0; request < 61; request += 1) {
    const headers = { 'x-forwarded-for': `203.0.113.${request}` }
    const response = await app.inject({ method: 'DELETE', url: '/me', remoteAddress: '192.0.2.250', headers })
    if (response.statusCode === 429) refused += 1
  }
  t.equal(refused, 1)
})

t.test('refreshing, logging out and reading are not limited', async (t) => {
  const { client } = await newPerson(app)
  for (let request = 0; request < 310; request += 1) {
    const response = await client.send('POST', '/refresh')
    if (response.statusCode !== 200) t.fail(`refresh ${request + 1} answered ${response.statusCode}`)
  }
  t.equal((await client.send('GET', '/me')).statusCode, 200)
})

t.test('RATE_LIMIT_ENABLED=false limits nothing', async (t) => {
  const open = await openService(t, database, { RATE_LIMIT_ENABLED: 'false' })
  for (let request = 0; request < 61; request += 1) {
    if ((await open.inject({ method: 'DELETE', url: '/me' })).statusCode === 429) t.fail('429')
  }
})
