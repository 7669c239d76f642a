import t from 'tap'
import { acceptedToken, tokenCache } from '../../src/verifier/accepted-tokens.js'
import { verificationKeys } from '../../src/verifier/verification-key.js'
import { makeKey } from '../support/verifier/issuer.js'

t.test('the cache keeps the most recently used tokens, and no more than its limit', async (t) => {
  const [key] = verificationKeys({ keys: [makeKey().jwk] })
  if (key === undefined) return t.fail('the key was not read')
  const claims = {
    iss: '',
    aud: '',
    sub: '',
    sid: '',
    jti: '',
    client_id: '',
    iat: 0,
    exp: 0,
    auth_time: 0,
    amr: [],
    roles: []
  }
  const entry = { result: acceptedToken(claims), key }
  const cache = tokenCache(4)
  for (const token of ['a', 'b', 'c', 'd']) cache.set(token, entry)
  t.equal(cache.get('a'), entry)
  for (let i = 0; i < 100; i++) {
    cache.set(`other ${i}`, entry)
    t.ok(cache.size <= 4)
    t.equal(cache.get('a'), entry, 'used all the time')
  }
  for (const token of ['b', 'c', 'd', 'other 1']) t.equal(cache.get(token), undefined, 'not used for a long time')
  cache.delete('a')
  t.equal(cache.get('a'), undefined)
})
