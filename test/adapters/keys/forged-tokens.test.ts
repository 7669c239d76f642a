import { generateKeyPairSync, sign as signBytes } from 'node:crypto'
import t from 'tap'
import { systemEntropy } from '../../../src/adapters/secrets/system.js'
import { claims, encode, makeKey, now, signES256, signHS256, tokensOf } from '../../support/adapters/access-tokens.js'

t.test('forged tokens are refused and the genuine token is accepted', async (t) => {
  const key = await makeKey('ES256')
  const rsaKey = await makeKey('RS256', { number: 2, signsFrom: now + 1 })
  const secretKey = await makeKey('HS256', { number: 3, signsFrom: now + 1 })
  const stranger = await makeKey('ES256')
  const tokens = await tokensOf(key, rsaKey, secretKey)
  const header = { alg: 'ES256', typ: 'at+jwt', kid: key.kid }
  const genuine = await tokens.sign(claims)
  const [head = '', payload = '', signature = ''] = genuine.split('.')
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = own.publicKey.export({ format: 'jwk' })
  const changedSignature = Buffer.from(signature, 'base64url')
  changedSignature[10] = (changedSignature[10] ?? 0) ^ 1

  t.strictSame(tokens.open(genuine), claims, 'the genuine token opens')
  t.strictSame(tokens.open(signES256(key, header, claims)), claims, 'a token signed by hand with our key opens')

  const forged: Record<string, string> = {
    'alg none': `${encode({ ...header, alg: 'none' })}.${payload}.`,
    'alg None with our signature': `${encode({ ...header, alg: 'None' })}.${payload}.${signature}`,
    'HS256 with our public key as the secret': signHS256(key.verifying, { ...header, alg: 'HS256' }, claims),
    'HS256 by an empty secret': signHS256('', { ...header, alg: 'HS256' }, claims),
    'HS256 by our header with the public key as the secret': signHS256(key.verifying, header, claims),
    'another key under our kid': signES256(stranger, header, claims),
    'another key under its own kid': signES256(stranger, { ...header, kid: stranger.kid }, claims),
    'our ES256 key under the kid of the RS256 key': signES256(key, { ...header, kid: rsaKey.kid }, claims),
    'our ES256 key as RS256': signES256(key, { ...header, alg: 'RS256', kid: rsaKey.kid }, claims),
    'our ES256 key as ES384': signES256(key, { ...header, alg: 'ES384' }, claims),
    'the RSA public key as HS256 secret': signHS256(
      rsaKey.verifying,
      { alg: 'HS256', typ: 'at+jwt', kid: secretKey.kid },
      claims
    ),
    'our HS256 secret under the kid of the ES256 key': signHS256(
      secretKey.signing,
      { ...header, alg: 'HS256' },
      claims
    ),
    'no kid': signES256(key, { alg: 'ES256', typ: 'at+jwt' }, claims),
    'kid as path': signES256(key, { ...header, kid: '../../../dev/null' }, claims),
    'kid as list': signES256(key, { ...header, kid: [key.kid] }, claims),
    'kid __proto__': signES256(key, { ...header, kid: '__proto__' }, claims),
    'no typ': signES256(key, { alg: 'ES256', kid: key.kid }, claims),
    'typ JWT': signES256(key, { ...header, typ: 'JWT' }, claims),
    'typ of a refresh token': signES256(key, { ...header, typ: 'rt+jwt' }, claims),
    'with jwk': signES256(key, { ...header, jwk }, claims),
    'with jku': signES256(key, { ...header, jku: 'https://evil.example/jwks' }, claims),
    'with x5u': signES256(key, { ...header, x5u: 'https://evil.example/cert' }, claims),
    'with x5c': signES256(key, { ...header, x5c: ['MIIB'] }, claims),
    'with an unknown crit': signES256(key, { ...header, crit: ['exp2'], exp2: 1 }, claims),
    'changed payload': `${head}.${encode({ ...claims, roles: ['owner'] })}.${signature}`,
    'changed signature': `${head}.${payload}.${changedSignature.toString('base64url')}`,
    'signature of zeros': `${head}.${payload}.${encode(Buffer.alloc(64).toString('latin1'))}`,
    'no signature': `${head}.${payload}.`,
    'signature dropped': `${head}.${payload}`,
    'signature cut': `${head}.${payload}.${signature.slice(0, -2)}`,
    'signature in DER': `${head}.${payload}.${signBytes('sha256', Buffer.from(`${head}.${payload}`), key.signing).toString('base64url')}`,
    'a fourth part': `${genuine}.${signature}`,
    padding: `${head}.${payload}.${signature}==`,
    'white space': ` ${genuine}`,
    'a line break in the signature': `${head}.${payload}.\n${signature}`
  }
  for (const [name, token] of Object.entries(forged)) t.equal(tokens.open(token), undefined, name)
})

t.test(
  'a token without a required claim, or with another iss or aud, is not opened even with a good signature',
  async (t) => {
    const key = await makeKey('ES256')
    const tokens = await tokensOf(key)
    const header = { alg: 'ES256', typ: 'at+jwt', kid: key.kid }
    for (const name of ['iss', 'aud', 'sub', 'sid', 'jti', 'client_id', 'iat', 'exp']) {
      const { [name]: _dropped, ...rest } = { ...claims } as Record<string, unknown>
      t.equal(tokens.open(signES256(key, header, rest)), undefined, `without ${name}`)
    }
    t.equal(tokens.open(signES256(key, header, { ...claims, iss: 'https://other.example' })), undefined)
    t.equal(tokens.open(signES256(key, header, { ...claims, aud: 'https://other.example' })), undefined)
  }
)

t.test('opening ignores exp and nbf, which the caller checks by the database clock', async (t) => {
  const key = await makeKey('ES256')
  const tokens = await tokensOf(key)
  const old = { ...claims, iat: 1000, exp: 1600, nbf: 4_000_000_000 }
  t.strictSame(tokens.open(signES256(key, { alg: 'ES256', typ: 'at+jwt', kid: key.kid }, old)), old)
})

t.test('open never throws', async (t) => {
  const key = await makeKey('ES256')
  const tokens = await tokensOf(key)
  const genuine = await tokens.sign(claims)
  const [head = ''] = genuine.split('.')
  const odd = [
    '',
    '.',
    '..',
    '...',
    '\0',
    '🔑.🔑.🔑',
    'null',
    head,
    `${head}X`,
    `${head}.`,
    `${head}..`,
    `${head}.${encode('[')}.x`
  ]
  const payloads = [
    'null',
    '[]',
    '1',
    '"text"',
    '{"__proto__":{"iss":1}}',
    '['.repeat(50_000),
    '{"iss":{}}',
    '\ufeff{}'
  ]
  for (const text of odd) t.equal(tokens.open(text), undefined)
  for (const payload of payloads) {
    t.equal(tokens.open(`${head}.${encode(payload)}.${encode('x'.repeat(64))}`), undefined)
    t.equal(tokens.open(`${encode(payload)}.${encode(claims)}.${encode('x'.repeat(64))}`), undefined)
    t.equal(
      tokens.open(signES256(key, { alg: 'ES256', typ: 'at+jwt', kid: key.kid }, payload)),
      undefined,
      'with a good signature'
    )
  }
  for (let length = 0; length < genuine.length; length++) t.equal(tokens.open(genuine.slice(0, length)), undefined)
  t.equal(tokens.open(`${head}.${'A'.repeat(5_000_000)}.AAAA`), undefined)
  t.equal(tokens.open('A'.repeat(5_000_000)), undefined)
  for (let i = 0; i < 2000; i++) {
    const noise = Buffer.from(systemEntropy.bytes(1 + (i % 200)))
    const text = noise.toString(i % 2 === 0 ? 'latin1' : 'base64url')
    if (tokens.open(`${i % 3 === 0 ? head : text}.${text}.${text}`) !== undefined)
      t.fail(`opened ${JSON.stringify(text)}`)
  }
})
