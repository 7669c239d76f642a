import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { problems } from '../../src/core/problems.js'
import { problemResponse } from '../../src/http/problem.js'
import verifier from '../../src/verifier/index.js'
import { type RefusalCode, refusalCodes, refusals } from '../../src/verifier/refusals.js'
import { type Issuer, newSid, startIssuer } from '../support/verifier/issuer.js'
import { waitUntil, withFeed } from '../support/verifier/verifiers.js'

/** A host app with its own serializer and hooks, which must not break the guard. */
async function hostOf(t: Test, issuer: Issuer) {
  const app = Fastify()
  app.setErrorHandler((_error, _request, reply) => reply.code(418).send('the host has its own errors'))
  app.setReplySerializer(() => 'the host has its own serializer')
  await app.register(verifier, { issuer: issuer.url, audience: issuer.audience, ...withFeed })
  const schema = { response: { '4xx': { type: 'object', properties: {} } } }
  app.get('/open', async (request, reply) =>
    reply.serializer(JSON.stringify).send({ auth: app.latchkey.authOf(request) })
  )
  app.get('/welcome', { preHandler: app.latchkey.authenticateOptional }, async (request, reply) =>
    reply.serializer(JSON.stringify).send({ reader: app.latchkey.authOf(request)?.userId ?? null })
  )
  app.get(
    '/transfers',
    { preHandler: [app.latchkey.authenticate, app.latchkey.requireRecentLogin(60)], schema },
    async () => 'transferred'
  )
  app.get('/who', { preHandler: app.latchkey.authenticate, schema }, async ({ auth }, reply) =>
    reply.serializer(JSON.stringify).send(auth)
  )
  app.get(
    '/ops',
    { preHandler: [app.latchkey.authenticate, app.latchkey.requireRole('admin')], schema },
    async () => 'ops'
  )
  app.get('/mistake', { preHandler: app.latchkey.requireRole('admin') }, async () => 'ops')
  t.teardown(() => app.close())
  return app
}

t.test('authenticate accepts a good token and sets request.auth', async (t) => {
  const issuer = await startIssuer(t)
  const app = await hostOf(t, issuer)
  const headers = { authorization: `Bearer ${issuer.token({ sub: 'ada', sid: 'a-session' })}` }
  const response = await app.inject({ url: '/who', headers })
  t.equal(response.statusCode, 200)
  t.match(response.json(), { userId: 'ada', sessionId: 'a-session', roles: ['editor'], amr: ['pwd'] })
  t.strictSame((await app.inject({ url: '/open', headers })).json(), { auth: null }, 'null on a route without a guard')
})

t.test('authenticate works in each hook before the handler', async (t) => {
  const issuer = await startIssuer(t)
  const app = await hostOf(t, issuer)
  const { authenticate } = app.latchkey
  const hooks = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const
  for (const hook of hooks) {
    app.get(`/${hook}`, { [hook]: authenticate }, async ({ auth }, reply) =>
      reply.serializer(JSON.stringify).send(auth)
    )
  }
  for (const hook of hooks) {
    const headers = { authorization: `Bearer ${issuer.token({ sub: hook })}` }
    t.match((await app.inject({ url: `/${hook}`, headers })).json(), { userId: hook })
    t.equal((await app.inject(`/${hook}`)).statusCode, 401, hook)
  }
})

t.test('a refused request gets the same problem and challenge as from the issuer', async (t) => {
  const issuer = await startIssuer(t)
  const app = await hostOf(t, issuer)
  const sid = newSid()
  issuer.revoke({ sid })
  const editor = issuer.token()
  const cases: readonly [url: string, token: string | undefined, code: RefusalCode, challenge: string][] = [
    ['/who', undefined, 'missing_credentials', 'Bearer'],
    ['/who', 'x.y.z', 'invalid_token', 'Bearer error="invalid_token"'],
    ['/who', issuer.token({ exp: 1 }), 'token_expired', 'Bearer error="invalid_token"'],
    ['/who', issuer.token({ sid }), 'session_revoked', 'Bearer error="invalid_token"'],
    ['/ops', editor, 'insufficient_scope', 'Bearer error="insufficient_scope"'],
    ['/mistake', editor, 'missing_credentials', 'Bearer']
  ]
  for (const [url, token, code, challenge] of cases) {
    const response = await app.inject({ url, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })
    const [status, title] = problems[code]
    t.equal(response.statusCode, status, code)
    t.strictSame(response.json(), { type: `${issuer.url}/docs/errors.md#${code}`, title, status, code })
    t.equal(response.headers['content-type'], 'application/problem+json; charset=utf-8')
    t.equal(response.headers['cache-control'], 'no-store')
    t.equal(response.headers['www-authenticate'], challenge)
  }
  const admin = { authorization: `Bearer ${issuer.token({ roles: ['admin'] })}` }
  t.equal((await app.inject({ url: '/ops', headers: admin })).statusCode, 200, 'a user with the role')
})

t.test('authenticateOptional lets strangers pass, and refuses a token that is not good', async (t) => {
  const issuer = await startIssuer(t)
  const app = await hostOf(t, issuer)
  const welcome = (token?: string) =>
    app.inject({ url: '/welcome', headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })
  t.strictSame((await welcome()).json(), { reader: null })
  t.strictSame((await welcome(issuer.token({ sub: 'ada' }))).json(), { reader: 'ada' })
  t.equal((await welcome('x.y.z')).json().code, 'invalid_token')
})

t.test('requireRecentLogin asks for a newer login', async (t) => {
  const issuer = await startIssuer(t)
  const app = await hostOf(t, issuer)
  const now = Math.floor(Date.now() / 1000)
  const transfer = (auth_time: number) =>
    app.inject({ url: '/transfers', headers: { authorization: `Bearer ${issuer.token({ auth_time })}` } })
  t.equal((await transfer(now)).statusCode, 200)
  const response = await transfer(now - 61)
  t.equal(response.statusCode, 401)
  t.equal(response.json().code, 'insufficient_user_authentication')
  t.equal(response.headers['www-authenticate'], 'Bearer error="insufficient_user_authentication", max_age="60"')
})

t.test('an unreachable issuer is answered 503 with Retry-After', async (t) => {
  const issuer = await startIssuer(t)
  issuer.keysHandler = (_request, response) => response.destroy()
  const app = await hostOf(t, issuer)
  const response = await app.inject({ url: '/who', headers: { authorization: `Bearer ${issuer.token()}` } })
  t.equal(response.statusCode, 503)
  t.match(response.json(), { code: 'unavailable' })
  t.match(response.headers['retry-after'], /^[1-9]\d*$/)
  t.equal(response.headers['www-authenticate'], undefined)
})

t.test('the verifier refuses with the body and the challenge of the issuer itself', async (t) => {
  const refuse = refusals('https://auth.example')
  for (const code of refusalCodes) {
    const { status, headers, body } = refuse(code)
    const response = problemResponse(code, {}, 'https://auth.example/docs/errors.md')
    t.strictSame(JSON.parse(body), response.body, code)
    t.equal(status, response.body.status, code)
    t.equal(headers['www-authenticate'], response.headers['www-authenticate'], code)
  }
})

t.test('an invalid option fails the start of the app', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await t.rejects(async () => app.register(verifier, { issuer: 'x', audience: 'y' }), { name: 'TypeError' })
})

t.test('closing the app ends the connection to the feed', async (t) => {
  const issuer = await startIssuer(t)
  const app = await hostOf(t, issuer)
  await app.ready()
  await waitUntil(() => issuer.followers.length === 1)
  await app.close()
  issuer.cutConnections()
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(issuer.followers.length, 1)
})
