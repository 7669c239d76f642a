import type { RouteOptions } from 'fastify'
import t from 'tap'
import { httpPlugin } from '../../src/http/plugin.js'
import { openTestDatabase } from '../support/database.js'
import { newHost, openPluginOptions } from '../support/host.js'
import { openAdminService, userIdOf } from '../support/http/admin.js'
import { askForToken } from '../support/http/clients.js'
import { anotherDevice, newEmail, newPerson } from '../support/http/people.js'
import { ajv, mismatchOf, type Operation, operationsOf, specificationOf } from '../support/http/specification.js'
import { Client, goodPassword } from '../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const { app, admin } = await openAdminService(t, database)
const specification = await specificationOf(app)
const operations = operationsOf(specification)

t.test('the specification has every route of the app, and no other', async (t) => {
  const routes: RouteOptions[] = []
  const host = newHost(t)
  host.addHook('onRoute', (route) => void routes.push(route))
  await host.register(httpPlugin, await openPluginOptions(t, database))
  await host.ready()

  const served = routes
    .flatMap(({ method, url }) => [method].flat().map((name) => `${name} ${url.replace(/:(\w+)/g, '{$1}')}`))
    .filter((name) => !name.startsWith('HEAD ') && !/ \/(docs|openapi\.json|\w+\/assets\/)/.test(name))
  t.strictSame(operations.map(({ name }) => name).sort(), served.sort())
})

t.test('it is OpenAPI 3.1 and names the address of the service', async (t) => {
  t.equal(specification.openapi, '3.1.0')
  t.match(specification.info, { title: 'Latchkey', version: /^\d/ })
  t.strictSame(specification.servers, [{ url: 'https://auth.test' }])
})

for (const { path, method, name, operation } of operations) {
  t.test(`${name} is described completely`, async (t) => {
    t.ok(operation.summary)
    const tags = specification.tags.map((tag) => tag.name)
    t.ok(operation.tags.length === 1 && operation.tags.every((tag) => tags.includes(tag)))
    for (const scheme of (operation.security ?? []).flatMap(Object.keys)) {
      t.ok(scheme in specification.components.securitySchemes, scheme)
    }

    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter)
    const parameters = operation.parameters ?? []
    t.strictSame(
      parameters.filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name),
      inPath
    )
    t.ok(parameters.every((parameter) => parameter.in !== 'path' || parameter.required === true))
    if (method === 'get') t.equal(operation.requestBody, undefined, 'a GET has no body')

    const contents = [operation.requestBody, ...Object.values(operation.responses)].flatMap((part) =>
      Object.values(part?.content ?? {})
    )
    for (const { schema } of [...contents, ...parameters]) t.doesNotThrow(() => ajv.compile(schema))

    const statuses = Object.keys(operation.responses)
    t.ok(
      statuses.some((status) => /^[23]/.test(status)),
      'has a success'
    )
    for (const [status, response] of Object.entries(operation.responses)) {
      t.ok(response.description, `${status} has a description`)
      if (Number(status) < 400) continue
      const type = path === '/token' && Number(status) <= 401 ? 'application/json' : 'application/problem+json'
      t.strictSame(Object.keys(response.content ?? {}), [type], `${status} is a problem`)
    }
    if (operation.security !== undefined) t.ok(statuses.includes('401'), 'a guarded route can answer 401')
    if (path.startsWith('/admin')) t.ok(statuses.includes('403'))
    if (inPath.length > 0) t.ok(statuses.includes('404'))
  })
}

t.test('every response is as the specification describes it', async (t) => {
  const seen = new Set<string>()
  const ask = async (
    client: Client,
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    url: string,
    status: number,
    payload?: object
  ) => {
    const response = await client.send(method, url, payload && { payload })
    t.equal(response.statusCode, status, `${method} ${url}`)
    const path = pathOf(url)
    seen.add(`${method} ${path}`)
    t.equal(
      mismatchOf(specification.paths[path]?.[method.toLowerCase()], response),
      undefined,
      `${method} ${url} is as described`
    )
    return response
  }

  const nobody = new Client(app)
  const unknownId = '00000000-0000-4000-8000-000000000000'
  const credentials = { email: newEmail(), password: goodPassword }
  await ask(new Client(app), 'POST', '/register', 201, credentials)
  await ask(nobody, 'POST', '/register', 409, credentials)
  await ask(nobody, 'POST', '/register', 400, { email: 7 })
  await ask(nobody, 'POST', '/register', 400, { email: newEmail(), password: 'short' })
  for (const mode of ['cookie', 'body', 'session', 'access']) {
    await ask(new Client(app), 'POST', '/login', 200, { ...credentials, mode, device: `a ${mode} client` })
  }
  await ask(nobody, 'POST', '/login', 401, { ...credentials, password: 'wrong password' })
  await ask(nobody, 'POST', '/login', 400, {})

  const person = await newPerson(app)
  const { client } = person
  const { client: phone } = await anotherDevice(app, person, 'body')
  await ask(client, 'POST', '/refresh', 200)
  await ask(phone, 'POST', '/refresh', 200, { refresh_token: phone.refreshToken })
  await ask(nobody, 'POST', '/refresh', 401)
  await ask(client, 'POST', '/refresh', 400, { refresh_token: 'lk_rt_x' })
  await ask(client, 'GET', '/me', 200)
  await ask(nobody, 'GET', '/me', 401)
  await ask(client, 'GET', '/me/events?limit=2', 200)
  await ask(client, 'GET', '/me/events?cursor=x', 400)
  await ask(client, 'GET', '/sessions', 200)
  await ask(client, 'PATCH', `/sessions/${client.sessionId}`, 200, { device: 'laptop' })
  await ask(client, 'PATCH', `/sessions/${client.sessionId}`, 400, {})
  await ask(client, 'PATCH', `/sessions/${unknownId}`, 404, { device: 'laptop' })
  await ask(client, 'DELETE', `/sessions/${phone.sessionId}`, 204)
  await ask(phone, 'GET', '/sessions', 401)
  await ask(phone, 'POST', '/refresh', 401, { refresh_token: phone.refreshToken })
  await ask(client, 'DELETE', `/sessions/${phone.sessionId}`, 404)
  await ask(client, 'DELETE', '/sessions', 200)
  await ask(client, 'DELETE', '/sessions?all=perhaps', 400)
  await ask(client, 'GET', '/me/profile', 200)
  await ask(client, 'PATCH', '/me/profile', 200, { locale: 'de', notices: { new_device: false }, theme: 'dark' })
  await ask(client, 'PATCH', '/me/profile', 400, { locale: 'de_AT' })
  await ask(client, 'POST', '/password', 401, { current_password: 'wrong', new_password: 'another good password' })
  await ask(client, 'POST', '/reauthenticate', 401, { password: 'wrong' })
  await ask(client, 'POST', '/reauthenticate', 200, { password: goodPassword })
  await ask(client, 'POST', '/password', 200, { current_password: goodPassword, new_password: 'another good password' })
  await ask(client, 'DELETE', '/me', 401, { password: 'wrong' })
  await ask(client, 'DELETE', '/me', 204, { password: 'another good password' })
  await ask((await newPerson(app)).client, 'POST', '/logout', 204)

  const { client: subject, email: subjectEmail } = await newPerson(app)
  const userId = await userIdOf(subject)
  await ask(admin, 'GET', '/admin/users', 200)
  await ask(admin, 'GET', '/admin/users?limit=1', 200)
  await ask(admin, 'GET', '/admin/users?limit=x', 400)
  await ask(subject, 'GET', '/admin/users', 403)
  const invited = newEmail()
  await ask(admin, 'POST', '/admin/users', 201, { email: invited, roles: ['reader'], locale: 'de', invite: 'link' })
  await ask(admin, 'POST', '/admin/users', 201, { email: newEmail(), invite: 'mail' })
  await ask(admin, 'POST', '/admin/users', 409, { email: invited })
  await ask(admin, 'POST', '/admin/users', 400, { email: newEmail(), invite: 'pigeon' })
  await ask(admin, 'GET', `/admin/users/${userId}`, 200)
  await ask(admin, 'GET', `/admin/users/${unknownId}`, 404)
  await ask(admin, 'PATCH', `/admin/users/${userId}`, 200, { roles: ['reader'] })
  await ask(admin, 'PATCH', `/admin/users/${userId}`, 400, { roles: 'reader' })
  const started = await ask(admin, 'POST', `/admin/users/${userId}/password-reset`, 200, { deliver: 'link' })
  await ask(admin, 'POST', `/admin/users/${userId}/password-reset`, 200, { deliver: 'mail' })
  await ask(admin, 'POST', `/admin/users/${unknownId}/password-reset`, 404, { deliver: 'link' })
  await ask(nobody, 'POST', '/password/forgot', 202, { email: newEmail() })
  await ask(nobody, 'POST', '/password/forgot', 400, {})
  const newPassword = { token: started.json().link.split('=')[1], new_password: 'another good password' }
  await ask(nobody, 'POST', '/password/reset', 204, newPassword)
  await ask(nobody, 'POST', '/password/reset', 400, newPassword)
  await ask(subject, 'POST', '/login', 200, { email: subjectEmail, password: newPassword.new_password })
  await ask(subject, 'POST', '/email', 202, { new_email: newEmail() })
  await ask(subject, 'POST', '/email', 400, { new_email: 'no address' })
  await ask(nobody, 'POST', '/email', 401, { new_email: newEmail() })
  await ask(nobody, 'POST', '/email/confirm', 400, { token: newPassword.token })
  await ask(nobody, 'POST', '/email/undo', 400, { token: newPassword.token })
  await ask(subject, 'POST', '/email/verification', 202)
  await ask(nobody, 'POST', '/email/verification', 401)
  await ask(nobody, 'POST', '/email/verification/confirm', 400, { token: newPassword.token })
  await ask(admin, 'GET', `/admin/users/${userId}/sessions`, 200)
  await ask(admin, 'GET', '/admin/sessions', 200)
  await ask(admin, 'GET', '/admin/sessions?limit=1', 200)
  await ask(admin, 'DELETE', `/admin/sessions/${subject.sessionId}`, 204, { reason: 'a tour' })
  await ask(admin, 'DELETE', `/admin/sessions/${subject.sessionId}`, 404)
  await ask(admin, 'DELETE', `/admin/users/${userId}/sessions`, 200)
  await ask(admin, 'DELETE', `/admin/users/${userId}`, 204)
  await ask(admin, 'DELETE', `/admin/users/${userId}`, 404)
  await ask(admin, 'GET', '/admin/events', 200)
  await ask(admin, 'GET', '/admin/events?limit=1', 200)
  await ask(admin, 'GET', '/admin/mails', 200)
  await ask(admin, 'GET', '/admin/mails?limit=1&state=sent', 200)
  await ask(admin, 'GET', '/admin/mails?state=lost', 400)
  await ask(admin, 'GET', '/admin/mails/status', 200)
  await ask(admin, 'GET', '/admin/counts', 200)
  const { id: clientId, secret } = (
    await ask(admin, 'POST', '/admin/clients', 201, { name: 'n', scopes: ['x'] })
  ).json()
  await ask(admin, 'POST', '/admin/clients', 400, { name: 'n', scopes: [] })
  await ask(admin, 'POST', '/admin/clients', 400, { name: 'n', scopes: ['latchkey:everything'] })
  await ask(admin, 'GET', '/admin/clients', 200)
  await ask(admin, 'GET', '/admin/clients?limit=x', 400)
  for (const [sent, status] of [
    [secret, 200],
    ['wrong', 401]
  ] as const) {
    const response = await askForToken(app, { id: clientId, secret: sent })
    t.equal(response.statusCode, status)
    t.equal(mismatchOf(specification.paths['/token']?.post, response), undefined, `POST /token ${status}`)
    seen.add('POST /token')
  }
  const { secret_id: secretId } = (await ask(admin, 'POST', `/admin/clients/${clientId}/secrets`, 201)).json()
  await ask(admin, 'POST', `/admin/clients/${clientId}/secrets`, 409)
  await ask(admin, 'POST', `/admin/clients/client_${unknownId}/secrets`, 404)
  await ask(admin, 'DELETE', `/admin/clients/${clientId}/secrets/${secretId}`, 204)
  await ask(admin, 'DELETE', `/admin/clients/${clientId}/secrets/${secretId}`, 404)
  await ask(admin, 'DELETE', `/admin/clients/${clientId}`, 204)
  await ask(admin, 'DELETE', `/admin/clients/${clientId}`, 404)
  await ask(admin, 'GET', '/admin/keys', 200)
  await ask(admin, 'POST', '/admin/keys/rotate', 200, { dry_run: true })
  await ask(admin, 'POST', '/admin/keys/rotate', 200, {})
  await ask(admin, 'POST', '/admin/keys/rotate', 400, { dry_run: 'yes' })
  await ask(admin, 'POST', '/admin/sessions/revoke-all', 400, {})
  await ask(admin, 'POST', '/admin/sessions/revoke-all', 200, { confirm: 'revoke-all' })

  for (const url of [
    '/.well-known/jwks.json',
    '/.well-known/oauth-authorization-server',
    '/features',
    '/healthz',
    '/readyz',
    '/metrics',
    '/account',
    '/console'
  ]) {
    await ask(nobody, 'GET', url, 200)
  }
  await ask(nobody, 'GET', '/.well-known/change-password', 302)
  const untested = operations.filter(({ name, operation }) => !seen.has(name) && !isForServices(operation))
  t.strictSame(
    untested.map(({ name }) => name),
    [],
    'every route was tested'
  )
})

t.test('the page at /docs works under its own policy and loads nothing from elsewhere', async (t) => {
  const page = await app.inject('/docs/')
  t.equal(page.statusCode, 200)
  t.match(page.headers['content-type'], 'text/html')
  const policy = String(page.headers['content-security-policy'])
  t.match(policy, /default-src 'self';.*frame-ancestors 'none'/)
  t.notMatch(policy, /unsafe|https?:|\*/)
  t.notMatch(page.body, /<script>|<style>|\son\w+=|style=|https?:\/\//, 'nothing inline, nothing from another origin')

  const assets = [...page.body.matchAll(/(?:href|src)="\.\/([^"]+)"/g)].map(([, asset]) => `/docs/${asset}`)
  t.ok(assets.length >= 4)
  for (const url of assets) t.equal((await app.inject(url)).statusCode, 200, url)
  const initializer = (await app.inject('/docs/static/swagger-initializer.js')).body
  t.match(initializer, /validatorUrl: null/)
  t.strictSame((await app.inject('/docs/json')).json(), specification)
})

/** Tests of their own check these against RFC 7662 and RFC 7009. */
const isForServices = ({ security = [] }: Operation) => security.some((schemes) => 'service' in schemes)

/** The specification's path for an address. */
function pathOf(url: string): string {
  const path = url.split('?')[0] ?? ''
  const uuid = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'
  return path.replace(new RegExp(`(client_)?${uuid}`), '{id}').replace(new RegExp(uuid), '{secret_id}')
}
