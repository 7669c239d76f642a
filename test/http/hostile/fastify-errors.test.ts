import type { InjectOptions } from 'fastify'
import t from 'tap'
import { openTestDatabase } from '../../support/database.js'
import { openAdminService } from '../../support/http/admin.js'
import { type ContractCode, contractStatus, expectProblem } from '../../support/http/contract-errors.js'
import { newPerson } from '../../support/http/people.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const { app, admin } = await openAdminService(t, database)
const { client } = await newPerson(app)
const jsonType = { 'content-type': 'application/json' }

t.test('JSON that cannot be parsed is invalid_request, and the response says so', async (t) => {
  for (const payload of [
    '{',
    '{"a":1}}',
    "{'a':1}",
    'undefined',
    '\u0000',
    '{"a":\u0001}',
    Buffer.from([0xff, 0xfe, 0x7b])
  ]) {
    const response = await app.inject({ method: 'POST', url: '/login', headers: jsonType, payload })
    expectProblem(t, response, 'invalid_request', { detail: response.json().detail })
    t.match(response.json().detail, /JSON/)
  }
})

t.test('an empty body counts as an empty object', async (t) => {
  const login = await app.inject({ method: 'POST', url: '/login', headers: jsonType, payload: '' })
  t.match(login.json(), { code: 'invalid_request', errors: [{ field: 'email' }, { field: 'password' }] })
  const refresh = await app.inject({ method: 'POST', url: '/refresh', headers: jsonType, payload: '' })
  expectProblem(t, refresh, 'missing_credentials')
  expectProblem(t, await app.inject({ method: 'POST', url: '/refresh' }), 'missing_credentials')
})

for (const type of [
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/xml',
  'application/jsonx',
  'application',
  'x',
  '/',
  ';'
]) {
  t.test(`a body of the type "${type}" is unsupported_media_type`, async (t) => {
    const headers = { 'content-type': type }
    const request = { method: 'POST', url: '/login', headers, payload: '{"email":"a@b.c"}' } as const
    expectProblem(t, await app.inject(request), 'unsupported_media_type')
    const asAdmin = { headers, payload: '{"confirm":"revoke-all"}' }
    expectProblem(t, await admin.send('POST', '/admin/sessions/revoke-all', asAdmin), 'unsupported_media_type')
  })
}

for (const type of ['application/json\t', 'application/json ;charset=utf-8', 'APPLICATION/JSON', ' application/json']) {
  t.test(`a body of the type "${type}" is read as JSON and validated, or refused`, async (t) => {
    const request = {
      method: 'POST',
      url: '/login',
      headers: { 'content-type': type },
      payload: '{"email":7}'
    } as const
    const response = await app.inject(request)
    const code = response.statusCode === 415 ? 'unsupported_media_type' : 'invalid_request'
    expectProblem(t, response, code, response.statusCode === 415 ? {} : { errors: response.json().errors })
  })
}

t.test('a body above 64 KiB is body_too_large, with or without a Content-Length', async (t) => {
  const payload = JSON.stringify({ email: 'a@b.c', password: 'x'.repeat(64 * 1024) })
  expectProblem(t, await app.inject({ method: 'POST', url: '/login', headers: jsonType, payload }), 'body_too_large')
  expectProblem(t, await client.send('POST', '/password', { headers: jsonType, payload }), 'body_too_large')
})

t.test('a wrong Content-Length is refused', async (t) => {
  const headers = { ...jsonType, 'content-length': '3' }
  const response = await app.inject({ method: 'POST', url: '/login', headers, payload: '{"email":"a@b.c"}' })
  t.equal(response.json().code, 'invalid_request')
})

for (const url of [
  '/nowhere',
  '/login/',
  '/me/x',
  '//me',
  '/me;x',
  '/LOGIN',
  '/admin',
  '/docs/../admin',
  '/.well-known',
  '/%2fme'
]) {
  t.test(`${url} is not_found`, async (t) => {
    expectProblem(t, await app.inject(url), 'not_found')
    expectProblem(t, await client.send('DELETE', url), 'not_found')
  })
}

t.test('an overlong id is not_found, and the response does not repeat it', async (t) => {
  for (const url of [`/sessions/${'x'.repeat(101)}`, `/admin/users/${'x'.repeat(8000)}/sessions`]) {
    expectProblem(t, await client.send('DELETE', url), 'not_found')
  }
})

for (const url of ['/%zz', '/admin/users/%zz', '/sessions/%', '/sessions/%c0%af', '/%ff']) {
  t.test(`${url}, which cannot be decoded, is invalid_request`, async (t) => {
    expectProblem(t, await client.send('GET', url), 'invalid_request', { detail: 'The path cannot be decoded.' })
  })
}

t.test('no error repeats a token of the request', async (t) => {
  const token = 'lk_rt_AQcAESIzRFVmd4iZqrvM3e7'
  const json = { 'content-type': 'application/json' }
  const requests: InjectOptions[] = [
    { url: `/%zz/${token}` },
    { url: `/sessions/${token}`, method: 'DELETE' },
    { url: `/${token}` },
    { url: `/refresh?token=${token}` },
    { url: '/refresh', method: 'POST', payload: token, headers: json },
    { url: '/refresh', method: 'POST', payload: `{"refresh_token":${token}}`, headers: json },
    { url: '/refresh', method: 'POST', payload: `{"refresh_token":"${token}",}`, headers: json },
    { url: '/refresh', method: 'POST', payload: { refresh_token: [token] } },
    { url: '/refresh', method: 'POST', payload: token, headers: { 'content-type': `text/${token}` } },
    { url: '/admin/users?cursor=', headers: { authorization: `Bearer ${token}` } }
  ]
  for (const request of requests) {
    const response = await app.inject(request)
    t.ok(response.statusCode >= 400)
    t.notMatch(response.body + JSON.stringify(response.headers), token, JSON.stringify(request))
  }
})

const id = '00000000-0000-4000-8000-000000000000'
for (const [method, url, allowed] of [
  ['GET', '/login', ['POST']],
  ['PUT', '/login', ['POST']],
  ['GET', '/refresh', ['POST']],
  ['GET', '/logout', ['POST']],
  ['POST', '/me', ['GET', 'HEAD', 'DELETE']],
  ['PUT', '/sessions', ['GET', 'HEAD', 'DELETE']],
  ['GET', `/sessions/${id}`, ['PATCH', 'DELETE']],
  ['POST', `/sessions/${id}?x=/`, ['PATCH', 'DELETE']],
  ['PUT', `/admin/users/${id}`, ['GET', 'HEAD', 'PATCH', 'DELETE']],
  ['DELETE', '/admin/users', ['GET', 'HEAD', 'POST']],
  ['GET', '/admin/sessions/revoke-all', ['POST', 'DELETE']],
  ['POST', '/.well-known/jwks.json', ['GET', 'HEAD']],
  ['TRACE', '/healthz', ['GET', 'HEAD']],
  ['OPTIONS', '/me', ['GET', 'HEAD', 'DELETE']]
] as const) {
  t.test(`${method} ${url} is method_not_allowed, and Allow lists the allowed methods`, async (t) => {
    const response = await app.inject({ method, url })
    expectProblem(t, response, 'method_not_allowed')
    t.strictSame(String(response.headers.allow).split(', ').sort(), [...allowed].sort())
  })
}

t.test('unusual headers bypass no guard and cause no 500', async (t) => {
  const odd: readonly (readonly [headers: Record<string, string | string[]>, code: ContractCode | undefined])[] = [
    [{ authorization: '' }, 'invalid_token'],
    [{ authorization: 'Bearer' }, 'invalid_token'],
    [{ authorization: ['Bearer a', 'Bearer b'] }, 'invalid_token'],
    [{ authorization: `Bearer ${'a'.repeat(10_000)}` }, 'invalid_token'],
    [{ 'x-http-method-override': 'DELETE' }, 'missing_credentials'],
    [{ 'x-original-url': '/healthz', 'x-rewrite-url': '/healthz' }, 'missing_credentials'],
    [{ 'accept-version': '9.9' }, undefined],
    [{ host: 'a b' }, 'missing_credentials'],
    [{ cookie: ';;=;__Host-session' }, 'missing_credentials'],
    [{ accept: 'text/html' }, 'missing_credentials'],
    [{ 'if-none-match': '*' }, 'missing_credentials'],
    [{ range: 'bytes=0-0' }, 'missing_credentials']
  ]
  for (const [headers, code] of odd) {
    const response = await app.inject({ url: '/me', headers })
    if (code !== undefined) expectProblem(t, response, code)
    t.ok(response.statusCode >= 400 && response.statusCode < 500)
  }
})

t.test('a HEAD has the status and headers of its GET, and no body', async (t) => {
  const response = await app.inject({ method: 'HEAD', url: '/me' })
  t.equal(response.statusCode, contractStatus.missing_credentials)
  t.equal(response.headers['www-authenticate'], 'Bearer')
  t.equal(response.body, '')
})
