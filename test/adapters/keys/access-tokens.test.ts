import { createHmac, createPrivateKey, generateKeyPairSync, sign as signBytes } from 'node:crypto'
import t from 'tap'
import { accessTokens } from '../../../src/adapters/keys/access-tokens.js'
import { generatePrivateKey, keyId, keyMaterial } from '../../../src/adapters/keys/signing-key-material.js'
import type { SigningKey } from '../../../src/adapters/keys/signing-keys.js'
import { systemEntropy } from '../../../src/adapters/secrets/system.js'
import type { AccessClaims } from '../../../src/core/access-claims.js'
import { type SigningAlgorithm, signingAlgorithms } from '../../../src/core/vocabulary.js'
import { Unavailable } from '../../../src/ports/errors.js'

const now = 1_800_000_000_000
const clock = { now: () => now }
const reload = async () => {}
const identity = { issuer: 'https://auth.example', audience: 'https://api.example' }
const claims: AccessClaims = {
  iss: identity.issuer,
  aud: identity.audience,
  sub: '5f0c7a52-0d4c-4f6e-8a55-0a6d2f0d1b11',
  sid: '0189f7a4-6d3c-4c55-9b1e-2f60718293a4',
  jti: 'b3f6b0a2-94de-47f0-a9ee-0f8f6cf2f0d3',
  client_id: 'latchkey',
  iat: now / 1000,
  exp: now / 1000 + 600,
  auth_time: now / 1000 - 60,
  amr: ['pwd'],
  roles: ['admin']
}

async function makeKey(alg: SigningAlgorithm, rest: Partial<SigningKey> = {}): Promise<SigningKey> {
  const privateKey = await generatePrivateKey(alg, systemEntropy)
  const kid = keyId(alg, privateKey, systemEntropy)
  return { number: 1, kid, alg, signsFrom: now - 1, retiresAt: null, ...keyMaterial(alg, kid, privateKey), ...rest }
}

function tokensOf(...keys: SigningKey[]) {
  return accessTokens({ keys, identity, clock, reload })
}

function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

function decode(segment: string | undefined): unknown {
  return JSON.parse(Buffer.from(segment ?? '', 'base64url').toString())
}

function signES256(key: SigningKey, header: unknown, payload: unknown): string {
  const input = `${encode(header)}.${encode(payload)}`
  const signature = signBytes('sha256', Buffer.from(input), {
    key: createPrivateKey(key.signing),
    dsaEncoding: 'ieee-p1363'
  })
  return `${input}.${signature.toString('base64url')}`
}

function signHS256(secret: string | Buffer, header: unknown, payload: unknown): string {
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

t.test('a token of each algorithm opens to exactly the claims that were signed', async (t) => {
  for (const alg of signingAlgorithms) {
    const key = await makeKey(alg)
    const tokens = await tokensOf(key)
    const token = await tokens.sign(claims)
    const [header, payload] = token.split('.')
    t.equal(Buffer.from(header ?? '', 'base64url').toString(), `{"alg":"${alg}","typ":"at+jwt","kid":"${key.kid}"}`)
    t.strictSame(decode(payload), claims)
    t.strictSame(tokens.open(token), claims, alg)
  }
})

t.test('an HS256 key has 256 random bits', async (t) => {
  const [one, other] = [await makeKey('HS256'), await makeKey('HS256')]
  t.equal(Buffer.from(one.signing).length, 32)
  t.notSame(one.signing, other.signing)
})

t.test('signing does not change the claims object', async (t) => {
  const tokens = await tokensOf(await makeKey('ES256'))
  t.equal((await tokens.sign(Object.freeze({ ...claims }))).split('.').length, 3)
})

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

t.test('the key with the greatest number that may sign signs; tokens of the others still open', async (t) => {
  const [first, second, next] = [
    await makeKey('ES256', { number: 1 }),
    await makeKey('EdDSA', { number: 2 }),
    await makeKey('ES256', { number: 3, signsFrom: now + 1000 })
  ]
  const kidOf = (token: string) => (decode(token.split('.')[0]) as { kid: string }).kid
  const tokens = await tokensOf(first, next, second)
  t.equal(kidOf(await tokens.sign(claims)), second.kid)
  t.strictSame(tokens.open(await (await tokensOf(first)).sign(claims)), claims)
  t.strictSame(
    tokens.jwks().keys.map(({ kid }) => kid),
    [next.kid, second.kid, first.kid],
    'the next key is already published'
  )
  const laterClaims = { ...claims, iat: claims.iat + 1 }
  t.equal(kidOf(await tokens.sign(laterClaims)), next.kid)
  t.strictSame(tokens.open(await tokens.sign(laterClaims)), laterClaims, 'even if the clock of the reader is behind')
})

t.test('a token is never signed by a key that does not sign yet, or has retired, at its iat', async (t) => {
  const second = (offset: number) => ({ ...claims, iat: claims.iat + offset })
  const kidOf = (token: string) => (decode(token.split('.')[0]) as { kid: string }).kid
  const old = await makeKey('ES256', { number: 1, retiresAt: now + 1500 })
  const next = await makeKey('ES256', { number: 2, signsFrom: now + 500 })
  const tokens = await tokensOf(old, next)
  t.equal(kidOf(await tokens.sign(claims)), old.kid, 'the key begins to sign within this second')
  t.equal(kidOf(await tokens.sign(second(1))), next.kid)

  const alone = await tokensOf(old)
  t.equal(kidOf(await alone.sign(second(1))), old.kid, 'the key retires within this second')
  await t.rejects(alone.sign(second(2)), { name: 'Unavailable' })
  const emergency = await tokensOf({ ...old, retiresAt: now + 500 }, { ...next, signsFrom: now + 500 - 60_000 })
  t.equal(kidOf(await emergency.sign(claims)), next.kid, 'revoke_old: the new key signs from a minute before')
})

t.test('a retired key does not sign, does not open and is not published', async (t) => {
  const [retired, current] = [await makeKey('ES256', { number: 2 }), await makeKey('ES256', { number: 1 })]
  const token = await (await tokensOf(retired)).sign(claims)
  const before = await tokensOf(current, { ...retired, retiresAt: now + 1 })
  const after = await tokensOf(current, { ...retired, retiresAt: now })
  t.strictSame(before.open(token), claims)
  t.equal(after.open(token), undefined)
  t.strictSame(after.jwks(), { keys: [current.jwk] })
  t.strictSame(after.open(await after.sign(claims)), claims)
})

t.test('without a key that may sign, signing throws Unavailable', async (t) => {
  const tokens = await tokensOf(await makeKey('ES256', { signsFrom: now + 1 }))
  await t.rejects(tokens.sign(claims), new Unavailable('No signing key is in force'))
})

t.test('the key set holds public keys alone, and nothing of an HS256 key', async (t) => {
  const [key, secretKey] = [await makeKey('ES256'), await makeKey('HS256', { number: 2 })]
  const tokens = await tokensOf(key, secretKey)
  t.strictSame(tokens.jwks(), { keys: [key.jwk] })
  t.notOk('d' in (tokens.jwks().keys[0] ?? {}))
})

t.test('the keys can be replaced at run time', async (t) => {
  const [old, next] = [await makeKey('ES256'), await makeKey('EdDSA', { number: 2 })]
  const tokens = await tokensOf(old)
  const [before, foreign] = [await tokens.sign(claims), await (await tokensOf(next)).sign(claims)]
  t.equal(tokens.open(foreign), undefined)
  await tokens.use([old, next])
  const after = await tokens.sign(claims)
  t.match(decode(after.split('.')[0]), { kid: next.kid, alg: 'EdDSA' })
  for (const token of [before, foreign, after]) t.strictSame(tokens.open(token), claims)
  await tokens.use([next])
  t.equal(tokens.open(before), undefined, 'a removed key opens nothing')
  t.strictSame(tokens.open(after), claims)
  t.strictSame(tokens.jwks(), { keys: [next.jwk] })
  await tokens.close()
})

t.test('a key that retires at run time opens nothing from then on', async (t) => {
  const [old, next] = [await makeKey('ES256'), await makeKey('ES256', { number: 2 })]
  const tokens = await tokensOf(old)
  const token = await tokens.sign(claims)
  await tokens.use([{ ...old, retiresAt: now }, next])
  t.equal(tokens.open(token), undefined)
})

t.test('if no key fits, the keys are reloaded and used', async (t) => {
  const [waiting, late] = [await makeKey('ES256', { signsFrom: now + 1 }), await makeKey('ES256', { number: 2 })]
  const asked: string[] = []
  const tokens = await accessTokens({
    keys: [waiting],
    identity,
    clock,
    async reload(why) {
      asked.push(why)
      await tokens.use([waiting, late])
    }
  })
  const token = await tokens.sign(claims)
  t.match(decode(token.split('.')[0]), { kid: late.kid })
  t.strictSame(tokens.open(token), claims)
  t.strictSame(asked, ['no active key'])
  t.equal(tokens.open(await (await tokensOf(await makeKey('ES256'))).sign(claims)), undefined)
  t.strictSame(asked, ['no active key', 'unknown key'])
})
