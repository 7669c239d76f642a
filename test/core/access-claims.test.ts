import fc from 'fast-check'
import t from 'tap'
import {
  type AccessClaims,
  accessTokenType,
  audienceClaim,
  authOfClaims,
  authOfClient,
  type ClientClaims,
  checkAccessClaims,
  isLoginRecent,
  isOfClient
} from '../../src/core/access-claims.js'

const api = 'https://api.example'
const expected = { issuer: 'https://auth.example', audiences: [api] }
const claims: AccessClaims = {
  iss: expected.issuer,
  aud: api,
  sub: 'a user',
  sid: 'a session',
  jti: 'a token',
  client_id: 'a client',
  iat: 1_000,
  exp: 1_600,
  auth_time: 900,
  amr: ['pwd'],
  roles: ['admin', 'editor']
}
const now = 1_200_000
const invalid = { ok: false, error: 'invalid_token' }

t.equal(accessTokenType, 'at+jwt')

t.test(
  'a login is recent until it is older than the maximum age, and a maximum age of 0 accepts any login',
  async (t) => {
    const auth = authOfClaims(claims)
    t.ok(isLoginRecent(auth, 60, 960_000))
    t.notOk(isLoginRecent(auth, 60, 960_001))
    t.ok(isLoginRecent(auth, 0, 9_000_000_000))
  }
)

t.test('good claims are returned', async (t) => {
  t.strictSame(checkAccessClaims(claims, expected, now), { ok: true, claims })
  t.ok(checkAccessClaims({ ...claims, amr: [], roles: [] }, expected, now).ok, 'lists may be empty')
  t.ok(checkAccessClaims({ ...claims, nonce: 'x' }, expected, now).ok, 'a claim that nobody asked for is left alone')
})

t.test('Auth is built from the claims', async (t) => {
  const { sub: userId, sid: sessionId, auth_time: authTime } = claims
  t.strictSame(authOfClaims(claims), {
    userId,
    sessionId,
    roles: ['admin', 'editor'],
    amr: ['pwd'],
    authTime,
    claims: {}
  })
})

t.test('Auth has the claims of the host, and none of the names that Latchkey sets', async (t) => {
  const token = { ...claims, plan: 'pro', tenant: { id: 7 }, nonce: 'x', scope: 'all', acr: '1', cnf: {} }
  const auth = authOfClaims(token)
  t.strictSame(auth.claims, { plan: 'pro', tenant: { id: 7 }, nonce: 'x' })
  t.ok(Object.isFrozen(auth.claims))
  t.equal(authOfClaims(token).claims, auth.claims, 'picked once for each token')
})

t.test('a token expires at exp, to the millisecond', async (t) => {
  t.ok(checkAccessClaims(claims, expected, 1_599_999).ok, 'good until the last millisecond')
  const expired = { ok: false, error: 'token_expired' }
  t.strictSame(checkAccessClaims(claims, expected, 1_600_000), expired, 'expired at exp itself')
  t.strictSame(checkAccessClaims(claims, expected, 9e12), expired)
})

t.test('iss and aud must be exactly as expected, and are checked before exp', async (t) => {
  for (const late of [now, 9e12]) {
    t.strictSame(checkAccessClaims({ ...claims, iss: 'https://auth.example/' }, expected, late), invalid)
    t.strictSame(checkAccessClaims({ ...claims, aud: 'https://API.example' }, expected, late), invalid)
    t.strictSame(checkAccessClaims({ ...claims, iss: '' }, expected, late), invalid)
    t.strictSame(checkAccessClaims({ ...claims, aud: [] }, expected, late), invalid)
    t.strictSame(checkAccessClaims({ ...claims, aud: [`${api}/`, 'https://other.example'] }, expected, late), invalid)
  }
})

t.test(
  'a token for several audiences is good for each of them, and a token for one is good for any that names it',
  async (t) => {
    const two = { ...claims, aud: audienceClaim([api, 'https://other.example']) }
    t.strictSame(checkAccessClaims(two, expected, now), { ok: true, claims: two })
    t.ok(checkAccessClaims(two, { ...expected, audiences: ['https://other.example'] }, now).ok)
    t.ok(checkAccessClaims(claims, { ...expected, audiences: ['https://new.example', api] }, now).ok)
    t.strictSame(checkAccessClaims(two, { ...expected, audiences: ['https://third.example'] }, now), invalid)
    t.strictSame(checkAccessClaims({ ...claims, aud: [api, 7] }, expected, now), invalid, 'not a list of texts')
  }
)

t.test('aud is a text for one audience and a list for several', async (t) => {
  t.equal(audienceClaim([api]), api)
  t.strictSame(audienceClaim([api, 'b']), [api, 'b'])
})

t.test('every claim must be there and have its type', async (t) => {
  const wrong = fc.oneof(
    fc.constantFrom(undefined, null, true, Number.NaN, Number.POSITIVE_INFINITY, 1.5, 2 ** 53, '1600', {}),
    fc.constant([1]),
    fc.constant(['pwd', null])
  )
  for (const name of Object.keys(claims)) {
    const { [name as keyof AccessClaims]: _left, ...others } = claims
    t.strictSame(checkAccessClaims(others, expected, now), invalid, `without ${name}`)
    fc.assert(
      fc.property(wrong, (value) => {
        fc.pre(typeof value !== 'string' || typeof claims[name as keyof AccessClaims] !== 'string')
        const verdict = checkAccessClaims({ ...claims, [name]: value }, expected, now)
        return !verdict.ok && verdict.error === 'invalid_token'
      }),
      { seed: 22, numRuns: 100 }
    )
  }
})

t.test('the token of a machine client has scopes, and is told from the token of a user', async (t) => {
  const { auth_time: _time, amr: _amr, roles: _roles, ...common } = claims
  const ofClient: ClientClaims = { ...common, sub: 'a client', client_id: 'a client', scope: 'a b' }
  const verdict = checkAccessClaims(ofClient, expected, now)
  t.strictSame(verdict, { ok: true, claims: ofClient })
  t.ok(isOfClient(ofClient))
  t.notOk(isOfClient(claims))
  t.strictSame(authOfClient(ofClient), { clientId: 'a client', scopes: ['a', 'b'] })
  t.strictSame(checkAccessClaims(ofClient, expected, 9e12), { ok: false, error: 'token_expired' })
  t.strictSame(checkAccessClaims({ ...ofClient, aud: 'x' }, expected, now), invalid)
  t.strictSame(checkAccessClaims({ ...ofClient, sub: 'a user' }, expected, now), invalid, 'sub is the client')
  t.strictSame(checkAccessClaims({ ...ofClient, scope: ['a'] }, expected, now), invalid)
  t.strictSame(checkAccessClaims({ ...ofClient, roles: ['admin'] }, expected, now), invalid, 'half a user')
  for (const name of Object.keys(ofClient)) {
    const { [name as keyof ClientClaims]: _left, ...others } = ofClient
    t.strictSame(checkAccessClaims(others, expected, now), invalid, `without ${name}`)
  }
})

t.test('a payload that is not an object is refused', async (t) => {
  for (const payload of [undefined, null, 'text', 1, true, [], [claims]]) {
    t.strictSame(checkAccessClaims(payload, expected, now), invalid, String(payload))
  }
})
