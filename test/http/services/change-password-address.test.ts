import t, { type Test } from 'tap'
import { httpPlugin } from '../../../src/http/plugin.js'
import { openTestDatabase } from '../../support/database.js'
import { newHost, openPluginOptions } from '../../support/host.js'
import { openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const wellKnown = '/.well-known/change-password'
/** A browser trusts the redirect only if the server does not answer 200 to everything (§3 of the specification). */
const nothing = '/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200'

/** A host with the plugin. With `own` it has a route of its own at the address. */
async function openHost(t: Test, { prefix = '/auth', own = false } = {}) {
  const app = newHost(t)
  if (own) app.get(wellKnown, async () => 'of the host')
  const options = await openPluginOptions(t, database, { issuer: `https://auth.test${prefix}` })
  await app.register(httpPlugin, { ...options, prefix })
  return app
}

t.test('the well-known address leads password managers to the account page', async (t) => {
  const app = await openService(t, database)
  for (const headers of [{}, { host: 'evil.example', 'x-forwarded-host': 'evil.example' }]) {
    const response = await app.inject({ url: wellKnown, headers })
    t.equal(response.statusCode, 302)
    t.equal(response.headers.location, 'https://auth.test/account#password')
    t.equal(response.body, '')
  }
  t.equal((await app.inject({ method: 'HEAD', url: wellKnown })).statusCode, 302)
  t.equal((await app.inject({ method: 'POST', url: wellKnown })).statusCode, 405)
  t.equal((await app.inject(nothing)).statusCode, 404)
})

t.test('the well-known address leads to ACCOUNT_URL', async (t) => {
  const app = await openService(t, database, { ACCOUNT_URL: 'https://app.example/settings' })
  t.equal((await app.inject(wellKnown)).headers.location, 'https://app.example/settings#password')
})

t.test('in a plugin with a prefix the well-known address is at the root of the app', async (t) => {
  const app = await openHost(t)
  for (const url of [wellKnown, `/auth${wellKnown}`]) {
    t.match(await app.inject(url), {
      statusCode: 302,
      headers: { location: 'https://auth.test/auth/account#password' }
    })
  }
  t.equal((await app.inject(nothing)).statusCode, 404)
})

for (const prefix of ['/auth', '']) {
  t.test(`a host that has a route there keeps it, with the prefix "${prefix}"`, async (t) => {
    const app = await openHost(t, { prefix, own: true })
    t.equal((await app.inject(wellKnown)).body, 'of the host')
    t.equal((await app.inject(`${prefix}/healthz`)).statusCode, 200)
  })
}
