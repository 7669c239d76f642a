import fc from 'fast-check'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import type { Database } from '../../../src/adapters/prisma/database.js'
import { httpPlugin } from '../../../src/http/plugin.js'
import { openTestDatabase } from '../../support/database.js'
import { openPluginOptions } from '../../support/host.js'
import { BrowserJar, type Site } from '../../support/http/browser-jar.js'
import { newEmail } from '../../support/http/people.js'
import { goodPassword, openService, testEnvironment } from '../../support/service.js'

/** Two Latchkeys on one host name, and one browser. */
const database = await openTestDatabase(t, { kind: 'embedded' })
const rootSecret = testEnvironment.ROOT_SECRET ?? ''
const rootSecrets = {
  'one root secret': rootSecret,
  'a root secret each': 'another root secret for tests of more than 32 bytes'
}

type Pair = readonly [Site, Site]

/** The database of the second service, and its root secret. */
interface Second {
  readonly database: Database
  readonly secret: string
}

const onPorts = async (t: Test, issuers: readonly [string, string], second: Second): Promise<Pair> => [
  { app: await openService(t, database, { ISSUER: issuers[0] }), prefix: '' },
  { app: await openService(t, second.database, { ISSUER: issuers[1], ROOT_SECRET: second.secret }), prefix: '' }
]

/** One host app with two plugins. */
async function underPrefixes(t: Test, second: Second): Promise<Pair> {
  const app = Fastify()
  t.teardown(() => app.close())
  const first: Second = { database, secret: rootSecret }
  for (const [prefix, service] of [
    ['/shop', first],
    ['/forum', second]
  ] as const) {
    const options = { issuer: `https://example.test${prefix}`, rootSecret: [service.secret], rateLimitEnabled: false }
    const { ports, settings } = await openPluginOptions(t, service.database, options)
    app.register((scope) => scope.register(httpPlugin, { ports, settings, prefix }))
  }
  return [
    { app, prefix: '/shop' },
    { app, prefix: '/forum' }
  ]
}

/** What a browser can do at one of the services. */
const acts = ['register', 'login', 'refresh', 'me', 'logout', 'wrong password', 'password'] as const
type Act = (typeof acts)[number]
type Mode = 'cookie' | 'session'
interface Step {
  readonly at: 0 | 1
  readonly act: Act
  readonly mode: Mode
}

/** One browser with an account at each service. `sids` are the sessions that it must have, by service and mode. */
class Browser {
  readonly jar = new BrowserJar()
  readonly sids: [Map<Mode, string>, Map<Mode, string>] = [new Map(), new Map()]
  readonly #accessTokens: [string, string] = ['', '']
  readonly #emails: [string, string] = ['', '']

  constructor(readonly pair: Pair) {}

  async do({ at, act, mode }: Step): Promise<void> {
    const site = this.pair[at]
    const send = (method: 'GET' | 'POST', path: string, payload?: object, headers = {}) =>
      this.jar.send(site, method, path, { headers, ...(payload && { payload }) })
    const credentials = { email: this.#emails[at], password: goodPassword, mode }
    if (act === 'refresh') await send('POST', '/refresh')
    if (act === 'me') await send('GET', '/me')
    if (act === 'wrong password') await send('POST', '/login', { ...credentials, password: 'a wrong password' })
    if (act === 'logout') {
      await send('POST', '/logout')
      this.sids[at].clear()
    }
    if (act === 'register' || (act === 'login' && this.#emails[at] === '')) {
      this.#emails[at] = newEmail()
      this.#keep(at, mode, await send('POST', '/register', { ...credentials, email: this.#emails[at] }))
    } else if (act === 'login') {
      this.#keep(at, mode, await send('POST', '/login', credentials))
    }
    if (act === 'password' && this.sids[at].has('cookie')) {
      const authorization = `Bearer ${this.#accessTokens[at]}`
      this.#keep(at, 'cookie', await send('POST', '/reauthenticate', { password: goodPassword }, { authorization }))
    }
  }

  #keep(at: 0 | 1, mode: Mode, response: Awaited<ReturnType<BrowserJar['send']>>): void {
    if (response.statusCode >= 300) throw new Error(`${response.statusCode} ${response.body}`)
    const { session_id: sid, access_token: accessToken } = response.json()
    this.sids[at].set(mode, sid)
    if (mode === 'cookie') this.#accessTokens[at] = accessToken
  }

  /** Throws unless both services answer as if the other did not exist. */
  async check(): Promise<void> {
    for (const at of [0, 1] as const) {
      for (const mode of ['cookie', 'session'] as const) {
        const site = this.pair[at]
        const response =
          mode === 'cookie' ? await this.jar.send(site, 'POST', '/refresh') : await this.jar.send(site, 'GET', '/me')
        const { session_id: sid, code } = response.json()
        const expected = this.sids[at].get(mode)
        const found = response.statusCode === 200 ? sid : undefined
        if (found !== expected || (expected === undefined && code !== 'missing_credentials'))
          throw new Error(
            `service ${at}, ${mode} mode: expected ${expected}, but got ${response.statusCode} ${sid ?? code}`
          )
      }
    }
  }
}

const step = fc.record({
  at: fc.constantFrom(0 as const, 1 as const),
  act: fc.constantFrom(...acts),
  mode: fc.constantFrom<Mode>('cookie', 'session')
})

for (const [secretsLabel, secret] of Object.entries(rootSecrets)) {
  const second = { database: await openTestDatabase(t, { kind: 'embedded' }), secret }
  const pairs = {
    'localhost:3000 and localhost:3001': (t: Test) =>
      onPorts(t, ['http://localhost:3000', 'http://localhost:3001'], second),
    'localhost:8080 and localhost:8081': (t: Test) =>
      onPorts(t, ['http://localhost:8080', 'http://localhost:8081'], second),
    'the root and a path': (t: Test) => onPorts(t, ['https://example.test', 'https://example.test/auth'], second),
    'two prefixes of one host app': (t: Test) => underPrefixes(t, second)
  }
  for (const [label, open] of Object.entries(pairs)) {
    t.test(`${label}, with ${secretsLabel}, leave each other's sessions alone`, async (t) => {
      const pair = await open(t)
      const steps = fc.array(step, { minLength: 2, maxLength: 8 })
      await fc.assert(
        fc.asyncProperty(steps, async (steps) => {
          const browser = new Browser(pair)
          for (const one of steps) {
            await browser.do(one)
            await browser.check()
          }
        }),
        { seed: 49, numRuns: 12 }
      )
      t.pass('in every order')
    })
  }
}

t.test('two instances with one issuer, root secret and database are one service', async (t) => {
  const first: Site = { app: await openService(t, database, { ISSUER: 'http://localhost:3001' }), prefix: '' }
  const second: Site = { app: await openService(t, database, { ISSUER: 'http://localhost:3001' }), prefix: '' }
  const jar = new BrowserJar()
  const { session_id: sid } = (await jar.signIn(first, '/register', newEmail())).json()
  t.match((await jar.send(second, 'POST', '/refresh')).json(), { session_id: sid })
  t.equal((await jar.send(second, 'POST', '/logout')).statusCode, 204)
  t.match((await jar.send(first, 'POST', '/refresh')).json(), { code: 'missing_credentials' })
})
