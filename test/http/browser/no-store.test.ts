import type { LightMyRequestResponse } from 'fastify'
import t from 'tap'
import { openTestDatabase } from '../../support/database.js'
import { openAdminService, userIdOf } from '../../support/http/admin.js'
import { newEmail, newPerson } from '../../support/http/people.js'
import { postForm, serviceSettings } from '../../support/http/services.js'
import { Client, openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const { app, admin } = await openAdminService(t, database)

/** The header of every route whose response is for everybody. */
const shared: Readonly<Record<string, string | RegExp | undefined>> = {
  '/.well-known/jwks.json': /^public, max-age=/,
  '/.well-known/oauth-authorization-server': /^public, max-age=/,
  '/.well-known/change-password': undefined,
  '/features': /^public, max-age=/,
  '/account': 'no-cache',
  '/console': 'no-cache',
  '/healthz': undefined,
  '/readyz': undefined
}

/** The bodies that let a request succeed. */
const bodies: Readonly<Record<string, object>> = {
  '/sessions/{id}': { device: 'd' },
  '/admin/sessions/revoke-all': { confirm: 'revoke-all' }
}

t.test('no cache stores a response of any route with credentials or personal data', async (t) => {
  const { paths } = (await app.inject('/openapi.json')).json<{ paths: Record<string, Record<string, object>> }>()
  for (const [path, operations] of Object.entries(paths)) {
    for (const method of Object.keys(operations)) {
      const { client } = await newPerson(app)
      const url = path.replace(/\{\w+\}/g, path.includes('/users/') ? await userIdOf(client) : client.sessionId)
      const sender = path.startsWith('/admin') ? admin : client
      const request = { payload: bodies[path] ?? {} }
      const response = await sender.send(method.toUpperCase() as 'GET', url, method === 'get' ? {} : request)
      if (path in shared) t.match(response.headers['cache-control'], shared[path], path)
      else t.equal(response.headers['cache-control'], 'no-store', `${method} ${path}`)
      const isForServices = ['/introspect', '/revoke', '/revocations'].includes(path)
      const success = path === '/.well-known/change-password' ? 302 : 200
      if (method === 'get' && !isForServices) t.equal(response.statusCode, success, `GET ${path} succeeds`)
      if (path === '/admin/sessions/revoke-all') await admin.signIn('ops@example.org', { path: '/login', mode: 'body' })
    }
  }
})

t.test('responses with tokens are not stored', async (t) => {
  const expectNotStored = (response: LightMyRequestResponse, status: number) => {
    t.equal(response.statusCode, status)
    t.equal(response.headers['cache-control'], 'no-store')
  }
  for (const mode of ['cookie', 'body', 'session', 'access']) {
    const email = newEmail()
    const client = new Client(app)
    expectNotStored(await client.signIn(email, { mode }), 201)
    expectNotStored(await client.signIn(email, { mode, path: '/login' }), 200)
    const payload = mode === 'body' ? { refresh_token: client.refreshToken } : {}
    if (mode === 'cookie' || mode === 'body') {
      expectNotStored(await client.send('POST', '/refresh', { payload }), 200)
      expectNotStored(await client.send('POST', '/refresh', { payload }), 200)
    }
    expectNotStored(await client.send('POST', '/logout', { payload }), 204)
  }
})

t.test('responses to services are not stored', async (t) => {
  const services = await openService(t, database, serviceSettings)
  const { client } = await newPerson(services)
  for (const url of ['/introspect', '/revoke'] as const) {
    const response = await postForm(services, url, { token: client.accessToken })
    t.equal(response.statusCode, 200)
    t.equal(response.headers['cache-control'], 'no-store')
  }
})

t.test('errors about a person are not stored', async (t) => {
  const { client, email } = await newPerson(app)
  for (const response of [
    await client.signIn(email),
    await app.inject({ method: 'POST', url: '/login', payload: { email, password: 'a wrong password' } }),
    await client.send('DELETE', '/me', { payload: { password: 'a wrong password' } }),
    await client.send('GET', '/admin/users'),
    await client.send('PATCH', `/sessions/${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}`, {
      payload: { device: 'd' }
    })
  ]) {
    t.ok(response.statusCode >= 400, response.body)
    t.equal(response.headers['cache-control'], 'no-store')
  }
})
