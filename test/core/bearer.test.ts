import t from 'tap'
import { bearerChallenge, readBearer } from '../../src/core/bearer.js'
import { bearerHeaders } from '../support/bearer-headers.js'

t.test('a Bearer header gives its token, a header of another scheme nothing', async (t) => {
  for (const token of ['a', 'x.y.z', 'azAZ09-._~+/', 'YWJj==']) {
    for (const header of bearerHeaders.good(token)) t.equal(readBearer(header), token, header)
    for (const header of bearerHeaders.otherSchemes(token)) t.equal(readBearer(header), undefined, header)
  }
})

t.test('a list of headers, which a caller without types may pass, gives nothing', async (t) => {
  t.equal(readBearer(['Bearer x.y.z']), undefined)
})

t.test('a challenge names an error only where a credential was refused', async (t) => {
  t.equal(bearerChallenge('missing_credentials'), 'Bearer')
  t.equal(bearerChallenge('invalid_credentials'), 'Bearer')
  for (const code of ['invalid_token', 'token_expired', 'session_revoked', 'session_ended'] as const) {
    t.equal(bearerChallenge(code), 'Bearer error="invalid_token"', code)
  }
  t.equal(bearerChallenge('insufficient_scope'), 'Bearer error="insufficient_scope"')
  t.equal(
    bearerChallenge('insufficient_scope', { scope: 'reports:read' }),
    'Bearer error="insufficient_scope", scope="reports:read"'
  )
  t.equal(
    bearerChallenge('insufficient_user_authentication', { maxAgeSeconds: 900 }),
    'Bearer error="insufficient_user_authentication", max_age="900"'
  )
  for (const code of ['forbidden_origin', 'not_found', 'unavailable'] as const) {
    t.equal(bearerChallenge(code), undefined, code)
  }
})
