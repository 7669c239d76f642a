import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import type { Database } from '../../src/adapters/prisma/database.js'
import { openAdapters } from '../../src/composition.js'
import { createConfig, type SettingOptions } from '../../src/config/read-config.js'
import type { PluginOptions } from '../../src/http/plugin.js'
import type { Overrides } from '../../src/overrides.js'
import { newEmail } from './http/people.js'
import { Client, goodPassword } from './service.js'

/** Options for tests of the plugin: as in a host, but with cheap password hashes. */
export const testOptions = {
  rootSecret: ['a root secret for tests of more than 32 bytes'],
  issuer: 'https://auth.test',
  bcryptCost: 4
} satisfies SettingOptions

/** The ports and settings for `httpPlugin` on `database`; closed when `t` ends. */
export async function openPluginOptions(
  t: Pick<Test, 'teardown'>,
  database: Database,
  options: SettingOptions = {},
  overrides: Overrides = {}
): Promise<Pick<PluginOptions, 'ports' | 'settings'>> {
  const settings = createConfig({ ...testOptions, ...options })
  const { ports, close } = await openAdapters(settings, { ...overrides, database })
  t.teardown(close)
  return { ports, settings }
}

/** A host app, closed when `t` ends. */
export function newHost(t: Pick<Test, 'teardown'>, options: FastifyServerOptions = {}): FastifyInstance {
  const app = Fastify(options)
  t.teardown(() => app.close())
  return app
}

let networks = 0

/** An address of a network of its own, so that the clients of a test file share no rate limit. */
function newAddress(): string {
  networks += 1
  return `10.${networks >> 8}.${networks & 255}.1`
}

/** A new user of the Latchkey plugin in `app`, under the prefix `/auth`. */
export async function signedIn(app: FastifyInstance): Promise<Client> {
  const client = new Client(app, newAddress())
  await client.send('POST', '/auth/register', { payload: { email: newEmail(), password: goodPassword } })
  return client
}

/** Checks cookies, validation, serialization, problems, limits, CORS and the specification of Latchkey under `/auth`. */
export async function latchkeyWorks(t: Test, app: FastifyInstance): Promise<void> {
  const client = new Client(app, newAddress())
  const registered = await client.send('POST', '/auth/register', {
    payload: { email: newEmail(), password: goodPassword, role: 'admin' },
    headers: { origin: 'https://app.test' }
  })
  t.equal(registered.statusCode, 201)
  t.match(
    [registered.headers['set-cookie']].flat()[0],
    /^__Host-refresh_token=lk_rt_[\w-]+; Max-Age=1209600; Path=\/; HttpOnly; Secure; SameSite=Strict$/
  )
  t.equal(registered.headers['access-control-allow-origin'], 'https://app.test')
  t.strictSame(Object.keys(registered.json()).sort(), ['access_token', 'expires_in', 'session_id', 'token_type'])
  t.match((await client.send('GET', '/auth/me')).json(), { session_id: client.sessionId, roles: [] })

  const preflight = await app.inject({
    method: 'OPTIONS',
    url: '/auth/refresh',
    headers: { origin: 'https://app.test', 'access-control-request-method': 'POST' }
  })
  t.equal(preflight.statusCode, 204)
  t.equal(preflight.headers['access-control-allow-origin'], 'https://app.test')

  const invalid = await client.send('POST', '/auth/login', { payload: { email: 7, password: ['x'] } })
  t.equal(invalid.statusCode, 400)
  t.match(invalid.json(), { code: 'invalid_request', errors: [{ field: 'email' }, { field: 'password' }] })
  t.equal((await client.send('DELETE', '/auth/sessions?al=true')).json().code, 'invalid_request')
  t.equal((await client.send('GET', '/auth/admin/users')).json().code, 'insufficient_scope')
  t.equal((await app.inject('/auth/me')).json().code, 'missing_credentials')

  const specification = (await app.inject('/auth/openapi.json')).json()
  t.equal(specification.info.title, 'Latchkey')
  t.ok('/refresh' in specification.paths)
  t.notOk('/own' in specification.paths)
  t.equal((await app.inject('/auth/docs/static/swagger-ui.css')).statusCode, 200)

  const out = await client.send('POST', '/auth/logout')
  t.equal(out.statusCode, 204)
  t.strictSame(
    // A host's hooks may set cookies of their own.
    out.cookies.filter(({ name }) => name.startsWith('__Host-')).map(({ name, value }) => [name, value]),
    [
      ['__Host-refresh_token', ''],
      ['__Host-session', '']
    ]
  )
}
