import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { type TestIssuer, type TestIssuerOptions, testIssuer } from '../../src/testing/index.js'
import verifier, { createVerifier, type Verifier, type VerifierOptions } from '../../src/verifier/index.js'
import { waitUntil } from '../support/verifier/verifiers.js'

async function openIssuer(t: Test, options?: TestIssuerOptions): Promise<TestIssuer> {
  const issuer = await testIssuer(options)
  t.teardown(() => issuer.close())
  return issuer
}

function openVerifier(t: Test, issuer: TestIssuer, options: Partial<VerifierOptions> = {}): Verifier {
  const verifier = createVerifier({
    ...issuer.verifierOptions,
    warn: (message) => t.fail(message),
    ...options
  })
  t.teardown(() => verifier.close())
  return verifier
}

const codeOf = async (verifier: Verifier, token: string) => {
  const result = await verifier.verify(token)
  return result.ok ? 'accepted' : result.code
}

for (const alg of ['ES256', 'EdDSA', 'RS256'] as const) {
  t.test(`${alg}: a verifier accepts its tokens, and sees what the test put into them`, async (t) => {
    const issuer = await openIssuer(t, { alg })
    const verifier = openVerifier(t, issuer)
    await verifier.ready()
    const options = {
      sub: 'ada',
      sid: 's',
      roles: ['editor'],
      amr: ['pwd', 'otp'],
      authTime: 7,
      claims: { plan: 'pro' }
    }
    const result = await verifier.verify(issuer.token(options))
    t.match(result, {
      ok: true,
      auth: {
        userId: 'ada',
        sessionId: 's',
        roles: ['editor'],
        amr: ['pwd', 'otp'],
        authTime: 7,
        claims: { plan: 'pro' }
      }
    })
    t.match(await verifier.verify(issuer.token()), { ok: true, auth: { roles: [], amr: ['pwd'] } })
  })
}

t.test('an app with the Fastify plugin of the verifier is tested without a port', async (t) => {
  const issuer = await openIssuer(t)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(verifier, issuer.verifierOptions)
  const { authenticate, requireRole, requireScope } = app.latchkey
  app.get('/own', { preHandler: authenticate }, async ({ auth }) => auth.userId)
  app.get('/ops', { preHandler: [authenticate, requireRole('admin')] }, async () => 'ops')
  app.get('/export', { preHandler: requireScope('reports:read') }, async () => 'export')
  const statuses = async (token: string) =>
    Promise.all(
      ['/own', '/ops', '/export'].map(
        async (url) => (await app.inject({ url, headers: { authorization: `Bearer ${token}` } })).statusCode
      )
    )
  t.strictSame(await statuses(issuer.token()), [200, 403, 403])
  t.strictSame(await statuses(issuer.token({ roles: ['admin'] })), [200, 200, 403])
  t.strictSame(await statuses(issuer.token({ scope: 'reports:read x' })), [403, 403, 200])
  t.strictSame(await statuses(issuer.token({ scope: 'x' })), [403, 403, 403])
})

t.test('when revoke resolves, a verifier in the process refuses the session', async (t) => {
  const issuer = await openIssuer(t)
  const verifier = openVerifier(t, issuer)
  t.equal(await codeOf(verifier, issuer.token()), 'accepted')
  for (let round = 0; round < 300; round += 1) {
    const sid = `s${round}`
    const [token, other] = [issuer.token({ sid }), issuer.token()]
    await issuer.revoke(sid)
    if ((await codeOf(verifier, token)) !== 'session_revoked') t.fail(`round ${round}`)
    t.equal(await codeOf(verifier, other), 'accepted')
  }
})

t.test('a verifier that starts later knows what was revoked before', async (t) => {
  const issuer = await openIssuer(t)
  const token = issuer.token({ sid: 's' })
  await issuer.revoke('s')
  t.equal(await codeOf(openVerifier(t, issuer), token), 'session_revoked')
})

t.test('an open connection ends with the reason of the revocation', async (t) => {
  const issuer = await openIssuer(t)
  const verifier = openVerifier(t, issuer)
  const ended = new Promise((resolve) => verifier.whileSignedIn(issuer.token({ sid: 's' }), { onEnd: resolve }))
  await verifier.ready()
  await issuer.revoke('s', 'logged_out')
  t.equal(await ended, 'logged_out')
})

t.test("the end of everybody's sessions refuses the tokens issued before it, and not the next one", async (t) => {
  const issuer = await openIssuer(t)
  const verifier = openVerifier(t, issuer)
  const token = issuer.token()
  t.equal(await codeOf(verifier, token), 'accepted')
  await issuer.revoke(null)
  t.equal(await codeOf(verifier, token), 'session_revoked')
  t.equal(await codeOf(verifier, issuer.token()), 'accepted')
})

t.test('tokens of a rotated key stay good, and those of a revoked key are refused at once', async (t) => {
  const issuer = await openIssuer(t)
  const verifier = openVerifier(t, issuer)
  const first = issuer.token()
  t.equal(await codeOf(verifier, first), 'accepted')
  await issuer.rotateKey()
  const second = issuer.token()
  t.strictSame([await codeOf(verifier, first), await codeOf(verifier, second)], ['accepted', 'accepted'])
  await issuer.rotateKey({ revokeOld: true })
  const third = issuer.token()
  t.strictSame(
    [await codeOf(verifier, first), await codeOf(verifier, second), await codeOf(verifier, third)],
    ['invalid_token', 'invalid_token', 'accepted']
  )
})

t.test('expired tokens, and tokens of another issuer or for another audience, are refused', async (t) => {
  const issuer = await openIssuer(t)
  const verifier = openVerifier(t, issuer, { warn: () => undefined })
  t.equal(await codeOf(verifier, issuer.token({ expiresInSeconds: -60 })), 'token_expired')
  t.equal(await codeOf(verifier, (await openIssuer(t)).token()), 'invalid_token')
  t.equal(await codeOf(verifier, issuer.token({ claims: { aud: 'https://other.test' } })), 'invalid_token')
})

t.test('the clock of a test decides when tokens were issued', async (t) => {
  let now = Date.now() - 3_600_000
  const issuer = await openIssuer(t, { now: () => now })
  const verifier = openVerifier(t, issuer)
  t.equal(await codeOf(verifier, issuer.token()), 'token_expired')
  now = Date.now()
  t.equal(await codeOf(verifier, issuer.token()), 'accepted')
})

t.test('with a port a test issuer serves a verifier that has only its address, under any name', async (t) => {
  for (const url of [undefined, 'https://auth.example/auth']) {
    const issuer = await openIssuer(t, { port: 0, ...(url && { url }) })
    t.equal(issuer.verifierOptions.fetch, undefined)
    t.match(issuer.url, url ?? /^http:\/\/127\.0\.0\.1:\d+$/)
    const verifier = openVerifier(t, issuer)
    await verifier.ready()
    const token = issuer.token({ sid: 's' })
    t.equal(await codeOf(verifier, token), 'accepted')
    await issuer.revoke('s')
    await waitUntil(async () => (await codeOf(verifier, token)) === 'session_revoked')
    await verifier.close()
  }
})

t.test('a test issuer answers only the requests of a verifier', async (t) => {
  const issuer = await openIssuer(t, { url: 'https://auth.example/auth' })
  const { fetch: reach = fetch } = issuer.verifierOptions
  t.equal((await reach('https://auth.example/auth/me')).status, 404)
  t.equal((await reach('https://auth.example/auth/revocations')).status, 401)
  t.match(await (await reach('https://auth.example/auth/.well-known/oauth-authorization-server')).json(), {
    issuer: 'https://auth.example/auth'
  })
  await t.rejects(reach('https://other.example/'), { message: /is at https:\/\/auth\.example\/auth, not at/ })
})

t.test('a wrong credential of the feed keeps the app from starting, as in production', async (t) => {
  const issuer = await openIssuer(t)
  const feed = { credential: { id: 'test', secret: 'wrong' } }
  await t.rejects(openVerifier(t, issuer, { feed, warn: () => undefined }).ready(), /refuses the verifier's feed/)
})

t.test('a misspelt option of testIssuer is named', async (t) => {
  const issuer = await openIssuer(t)
  t.throws(() => issuer.token({ role: ['admin'] } as object), {
    name: 'TypeError',
    message: 'token: there is no option role.'
  })
  await t.rejects(testIssuer({ clock: Date.now } as object), { name: 'TypeError', message: /there is no option clock/ })
})
