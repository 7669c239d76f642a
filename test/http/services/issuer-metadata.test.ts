import Fastify from 'fastify'
import t from 'tap'
import { httpPlugin } from '../../../src/http/plugin.js'
import { openTestDatabase } from '../../support/database.js'
import { newHost, openPluginOptions } from '../../support/host.js'
import { openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const wellKnown = '/.well-known/oauth-authorization-server'

for (const [issuer, url] of [
  ['https://auth.test/auth', `${wellKnown}/auth`],
  ['https://auth.test/a/b/', `${wellKnown}/a/b`],
  ['https://auth.test/gr%C3%B6%C3%9Fe', `${wellKnown}/gr%C3%B6%C3%9Fe`],
  ['https://auth.test', wellKnown]
] as const) {
  t.test(`the service has the metadata of ${issuer} where RFC 8414 asks for it`, async (t) => {
    const app = await openService(t, database, { ISSUER: issuer })
    const response = await app.inject(url)
    t.equal(response.statusCode, 200)
    t.match(response.headers, { 'content-type': /^application\/json/, 'cache-control': 'public, max-age=300' })
    t.equal(response.json().issuer, issuer)
    t.strictSame(response.json(), (await app.inject(wellKnown)).json(), 'the same as behind the path')
    t.equal((await app.inject(`${wellKnown}/other`)).statusCode, 404)
    t.equal((await app.inject({ method: 'POST', url })).statusCode, 405)
  })
}

t.test('a host that has a route there keeps it', async (t) => {
  const app = newHost(t)
  app.get(`${wellKnown}/auth`, async () => 'of the host')
  const options = await openPluginOptions(t, database, { issuer: 'https://auth.test/auth' })
  await app.register(httpPlugin, { ...options, prefix: '/auth' })
  t.equal((await app.inject(`${wellKnown}/auth`)).body, 'of the host')
  t.equal((await app.inject(`/auth${wellKnown}`)).json().issuer, 'https://auth.test/auth')
})

t.test('the metadata at the root of a host are as they are, whatever serializer the host has', async (t) => {
  const app = newHost(t)
  app.setReplySerializer(() => 'the host has its own serializer')
  const options = await openPluginOptions(t, database, { issuer: 'https://auth.test/auth' })
  await app.register(httpPlugin, { ...options, prefix: '/auth' })
  t.equal((await app.inject(`${wellKnown}/auth`)).json().jwks_uri, 'https://auth.test/auth/.well-known/jwks.json')
})

t.test('an issuer whose path Fastify would read as a parameter gets no route of its own', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(httpPlugin, await openPluginOptions(t, database, { issuer: 'https://auth.test/:a' }))
  t.equal((await app.inject(`${wellKnown}/x`)).statusCode, 404)
  t.equal((await app.inject(wellKnown)).json().issuer, 'https://auth.test/:a')
})
