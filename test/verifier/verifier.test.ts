import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import t from 'tap'
import { headerOf } from '../../src/testing/signing.js'
import { bearerHeaders } from '../support/bearer-headers.js'
import { encode, makeKey, signToken, startIssuer } from '../support/verifier/issuer.js'
import { openVerifier, testClock, verificationCode } from '../support/verifier/verifiers.js'

function signWithSecret(secret: string | Buffer, header: unknown, payload: unknown): string {
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

t.test('a good token of each algorithm is accepted with its claims and auth', async (t) => {
  const issuer = await startIssuer(t)
  issuer.keys = [makeKey('ES256'), makeKey('EdDSA'), makeKey('RS256')]
  const { verifier } = openVerifier(t, issuer)
  for (const key of issuer.keys) {
    const claims = issuer.claims()
    const { sub: userId, sid: sessionId, roles, amr, auth_time: authTime } = claims
    const result = await verifier.verify(signToken(key, claims))
    t.strictSame(result, { ok: true, claims, auth: { userId, sessionId, roles, amr, authTime, claims: {} } }, key.alg)
  }
})

t.test('a token for several audiences is accepted by a verifier that is one of them', async (t) => {
  const issuer = await startIssuer(t)
  const aud = ['https://other.example', issuer.audience]
  const { verifier } = openVerifier(t, issuer)
  const result = await verifier.verify(issuer.token({ aud }))
  t.strictSame(result.ok && result.claims.aud, aud)
  const { verifier: third } = openVerifier(t, issuer, { audience: 'https://third.example' })
  t.equal(await verificationCode(third, issuer.token({ aud })), 'invalid_token')
})

t.test('forged tokens are refused, and the genuine token is accepted before and after them', async (t) => {
  const issuer = await startIssuer(t)
  const [key, rsaKey, edKey] = [makeKey('ES256'), makeKey('RS256'), makeKey('EdDSA')]
  const secret = 'x'.repeat(32)
  const secretKey = {
    ...key,
    kid: 'a-secret',
    jwk: { kty: 'oct', k: encode(secret), kid: 'a-secret', alg: 'HS256', use: 'sig' }
  }
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const shortKey = {
    ...rsaKey,
    kid: 'short',
    privateKey: short.privateKey,
    jwk: { ...short.publicKey.export({ format: 'jwk' }), kid: 'short', alg: 'RS256', use: 'sig' }
  }
  const sealing = { ...makeKey('RS256', 'sealing') }
  const odd = { ...key, kid: 'odd', jwk: { ...key.jwk, kid: 'odd', alg: 'RS256' } }
  issuer.keys = [key, rsaKey, edKey, secretKey, shortKey, odd, { ...sealing, jwk: { ...sealing.jwk, use: 'enc' } }]
  const { verifier } = openVerifier(t, issuer)
  const stranger = makeKey('ES256')
  const claims = issuer.claims()
  const header = headerOf(key)
  const genuine = signToken(key, claims)
  const [head = '', payload = '', signature = ''] = genuine.split('.')
  const spki = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
  const publicPem = spki.export({ type: 'spki', format: 'pem' })
  const changed = Buffer.from(signature, 'base64url')
  changed[10] = (changed[10] ?? 0) ^ 1

  t.equal(await verificationCode(verifier, genuine), 'accepted', 'the positive control')

  const forged: Record<string, string> = {
    'alg none': `${encode({ ...header, alg: 'none' })}.${payload}.`,
    'alg None with its signature': `${encode({ ...header, alg: 'None' })}.${payload}.${signature}`,
    'HS256 with a public key as the secret': signWithSecret(publicPem, { ...header, alg: 'HS256' }, claims),
    'HS256 with the published members as the secret': signWithSecret(JSON.stringify(key.jwk), header, claims),
    'HS256 with a published secret': signWithSecret(secret, { ...header, alg: 'HS256', kid: 'a-secret' }, claims),
    'another key under our kid': signToken(stranger, claims, header),
    'another key under its own kid': signToken(stranger, claims),
    'our ES256 key under the kid of the RS256 key': signToken(key, claims, { ...header, kid: rsaKey.kid }),
    'our ES256 key as RS256': signToken(key, claims, { ...header, alg: 'RS256', kid: rsaKey.kid }),
    'our RS256 key as ES256': signToken(rsaKey, claims, { ...header, kid: rsaKey.kid }),
    'our ES256 key as EdDSA': signToken(key, claims, { ...header, alg: 'EdDSA', kid: edKey.kid }),
    'a swapped alg, signed well': signToken(key, claims, { ...header, alg: 'EdDSA' }),
    'an RSA key of 1024 bits': signToken(shortKey, claims),
    'a key for sealing': signToken(sealing, claims),
    'a key whose alg does not fit it': signToken(odd, claims, { ...header, alg: 'RS256', kid: 'odd' }),
    'no kid': signToken(key, claims, { alg: 'ES256', typ: 'at+jwt' }),
    'kid as path': signToken(key, claims, { ...header, kid: '../../../dev/null' }),
    'kid as list': signToken(key, claims, { ...header, kid: [key.kid] }),
    'kid __proto__': signToken(key, claims, { ...header, kid: '__proto__' }),
    'no typ': signToken(key, claims, { alg: 'ES256', kid: key.kid }),
    'typ JWT': signToken(key, claims, { ...header, typ: 'JWT' }),
    'typ of a refresh token': signToken(key, claims, { ...header, typ: 'rt+jwt' }),
    'with jwk': signToken(stranger, claims, { ...header, jwk: stranger.jwk }),
    'with jwk, signed well': signToken(key, claims, { ...header, jwk: key.jwk }),
    'with jku': signToken(key, claims, { ...header, jku: 'https://evil.example/jwks' }),
    'with x5u': signToken(key, claims, { ...header, x5u: 'https://evil.example/cert' }),
    'with x5c': signToken(key, claims, { ...header, x5c: ['MIIB'] }),
    'with crit': signToken(key, claims, { ...header, crit: ['exp2'], exp2: 1 }),
    'changed payload': `${head}.${encode({ ...claims, roles: ['admin'] })}.${signature}`,
    'changed signature': `${head}.${payload}.${changed.toString('base64url')}`,
    'signature of zeros': `${head}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
    'no signature': `${head}.${payload}.`,
    'signature dropped': `${head}.${payload}`,
    'signature cut': `${head}.${payload}.${signature.slice(0, -2)}`,
    'signature in DER': `${head}.${payload}.${sign('sha256', Buffer.from(`${head}.${payload}`), key.privateKey).toString('base64url')}`,
    'a fourth part': `${genuine}.${signature}`,
    padding: `${head}.${payload}.${signature}==`,
    'white space': ` ${genuine}`,
    'a line break in the signature': `${head}.${payload}.\n${signature}`,
    'standard base64 in the payload': `${head}.${payload}+/.${signature}`,
    'no iss': signToken(key, { ...claims, iss: undefined }),
    'another iss': signToken(key, { ...claims, iss: 'https://other.example' }),
    'no aud': signToken(key, { ...claims, aud: undefined }),
    'another aud': signToken(key, { ...claims, aud: 'https://other.example' }),
    'a list of other auds': signToken(key, { ...claims, aud: ['https://other.example', `${claims.aud}/`] }),
    'a list of aud with a number': signToken(key, { ...claims, aud: [claims.aud, 7] }),
    'an empty list of aud': signToken(key, { ...claims, aud: [] }),
    'no exp': signToken(key, { ...claims, exp: undefined }),
    'exp as text': signToken(key, { ...claims, exp: String(claims.exp) }),
    'no sid': signToken(key, { ...claims, sid: undefined }),
    'longer than any of ours': signToken(key, { ...claims, roles: Array(1000).fill('editor') }),
    'roles as text': signToken(key, { ...claims, roles: 'admin' })
  }
  for (const [name, token] of Object.entries(forged))
    t.equal(await verificationCode(verifier, token), 'invalid_token', name)
  t.equal(await verificationCode(verifier, genuine), 'accepted', 'after the forged tokens')
})

t.test('no text makes the verifier throw', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = openVerifier(t, issuer)
  const genuine = issuer.token()
  const [key = makeKey()] = issuer.keys
  const [head = ''] = genuine.split('.')
  const texts = [
    '',
    '.',
    '..',
    '...',
    '\0',
    '🔑.🔑.🔑',
    head,
    `${head}..`,
    `${head}.${encode('[')}.x`,
    'A'.repeat(5_000_000)
  ]
  const payloads = ['null', '[]', '1', '"text"', '{"__proto__":{"iss":1}}', '['.repeat(5_000), '{"iss":{}}', '\ufeff{}']
  for (const text of texts) t.equal(await verificationCode(verifier, text), 'invalid_token')
  for (const payload of payloads) {
    t.equal(await verificationCode(verifier, signToken(key, payload)), 'invalid_token', 'well signed')
    t.equal(await verificationCode(verifier, `${encode(payload)}.${encode({})}.AAAA`), 'invalid_token', 'as the header')
  }
  for (let length = 0; length < genuine.length; length += 7) {
    t.equal(await verificationCode(verifier, genuine.slice(0, length)), 'invalid_token')
  }
})

t.test('a token expires at exp plus the tolerance, cached or not', async (t) => {
  const clock = testClock()
  const issuer = await startIssuer(t, clock.now)
  const { verifier } = openVerifier(t, issuer, { clock })
  const { verifier: strict } = openVerifier(t, issuer, { clock, clockToleranceSeconds: 0 })
  const exp = Math.floor(clock.now() / 1000) + 100
  const token = issuer.token({ exp })
  t.equal(await verificationCode(verifier, token), 'accepted')
  t.equal(await verificationCode(strict, token), 'accepted')
  clock.advance(exp * 1000 - clock.now())
  t.equal(await verificationCode(strict, token), 'token_expired', 'seen before')
  t.equal(await verificationCode(verifier, token), 'accepted', 'within the tolerance')
  clock.advance(5000)
  t.equal(await verificationCode(verifier, token), 'token_expired', 'cached, past the tolerance')
  t.equal(await verificationCode(verifier, issuer.token({ exp })), 'token_expired', 'never seen')
  t.equal(await verificationCode(verifier, issuer.token()), 'accepted', 'a new one')
})

t.test('a token of a withdrawn key is refused, cached or not', async (t) => {
  const clock = testClock()
  const issuer = await startIssuer(t, clock.now)
  const [old = makeKey()] = issuer.keys
  const next = makeKey()
  issuer.keys = [old, next]
  const { verifier } = openVerifier(t, issuer, { clock })
  const [seen, unseen] = [signToken(old, issuer.claims()), signToken(old, issuer.claims())]
  t.equal(await verificationCode(verifier, seen), 'accepted')
  issuer.keys = [next]
  clock.advance(301_000)
  t.equal(await verificationCode(verifier, seen), 'invalid_token')
  t.equal(await verificationCode(verifier, unseen), 'invalid_token')
  t.equal(await verificationCode(verifier, signToken(next, issuer.claims())), 'accepted')
})

t.test('a new key with the same kid ends the tokens of the old key', async (t) => {
  const clock = testClock()
  const issuer = await startIssuer(t, clock.now)
  const [first = makeKey()] = issuer.keys
  const { verifier } = openVerifier(t, issuer, { clock })
  const token = issuer.token()
  t.equal(await verificationCode(verifier, token), 'accepted')
  issuer.keys = [makeKey('ES256', first.kid)]
  clock.advance(301_000)
  t.equal(await verificationCode(verifier, token), 'invalid_token')
  t.equal(await verificationCode(verifier, issuer.token()), 'accepted')
})

t.test('the result of an accepted token is one frozen object', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = openVerifier(t, issuer)
  const token = issuer.token()
  const first = await verifier.verify(token)
  t.equal(await verifier.verify(token), first, 'it came from the cache')
  if (!first.ok) return t.fail('it was refused')
  t.throws(() => (first.auth.roles as string[]).push('admin'), TypeError)
  t.throws(() => Object.assign(first.auth, { userId: 'somebody else' }), TypeError)
  t.throws(() => Object.assign(first.claims, { sub: 'somebody else' }), TypeError)
})

t.test('a good Authorization header is accepted, any other is refused', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = openVerifier(t, issuer)
  const ask = async (authorization?: string) => {
    const result = await verifier.authenticate({ authorization })
    return result.ok ? 'accepted' : result.code
  }
  t.equal(await ask(), 'missing_credentials')
  const token = issuer.token()
  for (const header of bearerHeaders.otherSchemes(token)) t.equal(await ask(header), 'invalid_token', header)
  t.equal(issuer.keyRequests, 0, 'a header without a token costs the issuer no request')
  for (const header of bearerHeaders.bad(token)) t.equal(await ask(header), 'invalid_token', header)
  for (const header of bearerHeaders.good(token)) t.equal(await ask(header), 'accepted', header)
})
