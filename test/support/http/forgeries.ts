// Creates access tokens that only the service should be able to create. Long, because it is a list of forgeries.
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as signBytes
} from 'node:crypto'
import { loadSigningKeys, type SigningKey } from '../../../src/adapters/keys/signing-keys.js'
import type { Database } from '../../../src/adapters/prisma/database.js'
import { prismaSigningKeyStore } from '../../../src/adapters/prisma/stores/signing-key-store.js'
import { rootSecrets } from '../../../src/adapters/secrets/root-secrets.js'
import { systemEntropy } from '../../../src/adapters/secrets/system.js'
import type { SigningAlgorithm } from '../../../src/core/vocabulary.js'
import { testEnvironment } from '../service.js'

/** The signing key of the service on `database`, as a thief of both the database and the root secret would read it. */
export async function stolenKey(database: Database, alg: SigningAlgorithm): Promise<SigningKey> {
  const secrets = await rootSecrets({
    configured: [testEnvironment.ROOT_SECRET ?? ''],
    dataDir: '',
    required: true,
    entropy: systemEntropy
  })
  const options = { store: prismaSigningKeyStore(database), secrets, alg, entropy: systemEntropy, clock: Date }
  const [key] = await loadSigningKeys(options)
  if (key === undefined) throw new Error('The service has no key.')
  return key
}

export type Claims = Readonly<Record<string, unknown>>

function encode(value: unknown): string {
  if (Buffer.isBuffer(value)) return value.toString('base64url')
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

export function claimsOf(token: string): Claims {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}

/** Signs any text or value with the algorithm of `key`. */
export function signWith(key: Pick<SigningKey, 'alg' | 'signing'>, header: unknown, payload: unknown): string {
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${encode(signatureOf(key, input))}`
}

function signatureOf({ alg, signing }: Pick<SigningKey, 'alg' | 'signing'>, input: string): Buffer {
  if (alg === 'HS256') return createHmac('sha256', signing).update(input).digest()
  const digest = alg === 'EdDSA' ? null : 'sha256'
  return signBytes(digest, Buffer.from(input), { key: createPrivateKey(signing), dsaEncoding: 'ieee-p1363' })
}

const headerOf = ({ alg, kid }: Pick<SigningKey, 'alg' | 'kid'>) => ({ alg, typ: 'at+jwt', kid })

function signWithSecret(secret: string | Buffer, header: unknown, payload: unknown): string {
  return signWith({ alg: 'HS256', signing: Buffer.from(secret) }, header, payload)
}

/** The order of the group of P-256 (FIPS 186-5, SP 800-186). */
const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')

const bytesOf = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
const numberOf = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)

/** The second valid signature, (r, n − s). Every holder of a token can compute it. */
export function twinOf(es256Token: string): string {
  const [head, payload, signature = ''] = es256Token.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  const twin = Buffer.concat([bytes.subarray(0, 32), bytesOf(order - numberOf(bytes.subarray(32)))])
  return `${head}.${payload}.${encode(twin)}`
}

export interface ForgeryParts {
  readonly key: SigningKey
  /** A genuine token. */
  readonly genuine: string
  /** The address of a server that must receive no request. */
  readonly trap: string
  /** Public data of the service, as bytes that could be mistaken for a secret. */
  readonly published: readonly (string | Buffer)[]
}

/** Forgeries that an attacker can make without the key. */
export function forgeries(parts: ForgeryParts): Record<string, string> {
  const { key, genuine, trap } = parts
  const claims = claimsOf(genuine)
  const admin = { ...claims, roles: ['admin'] }
  const header = headerOf(key)
  const [head = '', payload = '', signature = ''] = genuine.split('.')
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const stranger = { alg: 'ES256' as const, signing: pem(pair.privateKey) }
  const unusual = (more: object) => signWith(stranger, { alg: 'ES256', typ: 'at+jwt', kid: key.kid, ...more }, admin)
  const jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid: key.kid, alg: 'ES256', use: 'sig' }
  const signed = (bytes: Buffer | string) => `${head}.${payload}.${encode(bytes)}`
  const own = Buffer.from(signature, 'base64url')

  return {
    ...Object.fromEntries(
      [
        'none',
        'None',
        'NONE',
        'nOnE',
        'none ',
        '',
        'null',
        'HS0',
        'ES255',
        'es256',
        'PS256',
        'HS512',
        'ES256K'
      ].flatMap((alg) => [
        [`alg "${alg}" without a signature`, `${encode({ ...header, alg })}.${encode(admin)}.`],
        [`alg "${alg}" with our signature`, `${encode({ ...header, alg })}.${payload}.${signature}`]
      ])
    ),
    ...Object.fromEntries(
      [null, 1, ['ES256'], { ES256: 1 }, true].map((alg) => [
        `alg ${JSON.stringify(alg)}`,
        `${encode({ ...header, alg })}.${encode(admin)}.${signature}`
      ])
    ),
    ...Object.fromEntries(
      ['', 'secret', key.kid, `${head}.${payload}`, ...parts.published].flatMap((secret, number) =>
        ['HS256', key.alg].map((alg) => [
          `HMAC with published bytes (${number}) as ${alg}`,
          signWithSecret(secret, { ...header, alg }, admin)
        ])
      )
    ),
    'another key under our kid': unusual({}),
    'another key under its own kid': unusual({ kid: 'a-kid-of-my-own' }),
    'another key, embedded (CVE-2018-0114)': unusual({ jwk }),
    'another key, embedded, no kid': signWith(stranger, { alg: 'ES256', typ: 'at+jwt', jwk }, admin),
    'another key set, by address': unusual({ jku: `${trap}/jwks.json` }),
    'another key set, by address as the kid': unusual({ kid: `${trap}/jwks.json` }),
    'another certificate, by address': unusual({ x5u: `${trap}/cert.pem` }),
    'another certificate, embedded': unusual({ x5c: [encode('a certificate')] }),
    'another thumbprint': unusual({ x5t: encode('x'.repeat(20)), 'x5t#S256': encode('x'.repeat(32)) }),
    'another issuer, whose keys lie elsewhere': signWith(stranger, header, { ...admin, iss: trap }),
    'crit that names b64': unusual({ crit: ['b64'], b64: false }),
    ...Object.fromEntries(
      [
        '../../../../dev/null',
        '/dev/null',
        'file:///dev/null',
        "' UNION SELECT 'x' --",
        '"; DROP TABLE signing_key; --',
        '$(id)',
        '__proto__',
        'constructor',
        'toString',
        '',
        `${key.kid}\0`,
        ` ${key.kid}`,
        key.kid.toLowerCase(),
        'k'.repeat(1_000_000)
      ].map((kid) => [`kid ${JSON.stringify(kid).slice(0, 40)}`, unusual({ kid })])
    ),
    ...Object.fromEntries(
      [[key.kid], { kid: key.kid }, null, 0, true, [], {}].map((kid) => [
        `kid ${JSON.stringify(kid)}`,
        unusual({ kid })
      ])
    ),
    'HMAC by the content of /dev/null, with its path as the kid': signWithSecret(
      '',
      { ...header, alg: 'HS256', kid: '../../../../dev/null' },
      admin
    ),

    'changed roles': `${head}.${encode(admin)}.${signature}`,
    'changed expiry': `${head}.${encode({ ...claims, exp: Number(claims.exp) + 1 })}.${signature}`,
    'payload spelled with other white space': `${head}.${encode(JSON.stringify(claims, undefined, 1))}.${signature}`,
    'signature of zeros (CVE-2022-21449)': signed(Buffer.alloc(own.length)),
    'signature of ones': signed(Buffer.alloc(own.length, 0xff)),
    'signature r = 1, s = 1': signed(Buffer.concat([bytesOf(1n), bytesOf(1n)])),
    'signature r = n, s = n': signed(Buffer.concat([bytesOf(order), bytesOf(order)])),
    'signature r = n, s = 0': signed(Buffer.concat([bytesOf(order), bytesOf(0n)])),
    'signature r = 0, s = 1': signed(Buffer.concat([bytesOf(0n), bytesOf(1n)])),
    'signature with its halves swapped': signed(
      Buffer.concat([own.subarray(own.length / 2), own.subarray(0, own.length / 2)])
    ),
    'signature reversed': signed(Buffer.from(own).reverse()),
    'signature with a zero before': signed(Buffer.concat([Buffer.of(0), own])),
    'signature with a zero after': signed(Buffer.concat([own, Buffer.of(0)])),
    'signature twice': signed(Buffer.concat([own, own])),
    'signature cut': signed(own.subarray(0, -1)),
    'signature without its first byte': signed(own.subarray(1)),
    'signature of one byte': signed(own.subarray(0, 1)),
    'signature in hex': signed(own.toString('hex')),
    'no signature': `${head}.${payload}.`,
    'no signature and no dot': `${head}.${payload}`,
    'only a header': head,
    'only dots': '..',
    'nothing in front': `.${payload}.${signature}`,
    'no payload': `${head}..${signature}`,
    'two payloads': `${head}.${payload}.${payload}.${signature}`,
    'a fourth part': `${genuine}.${signature}`,
    'a dot after': `${genuine}.`,
    'five parts, as a JWE has': `${encode({ alg: 'dir', enc: 'A256GCM', typ: 'at+jwt' })}..${encode('iv')}.${encode('text')}.${encode('tag')}`,
    'five parts behind our header': `${genuine}.${encode('x')}.${encode('y')}`,
    'the JSON serialization': JSON.stringify({ protected: head, payload, signature }),
    'padding behind the signature': `${genuine}==`,
    'padding behind the header': `${head}=.${payload}.${signature}`,
    'padding behind the payload': `${head}.${payload}==.${signature}`,
    'plain base64': `${head}.${payload}+/.${signature}`,
    'white space within': `${head}.${payload.slice(0, 9)} ${payload.slice(9)}.${signature}`,
    'a line break within': `${head}.${payload.slice(0, 9)}\n${payload.slice(9)}.${signature}`,
    'a full-width dot': genuine.replace('.', '．'),
    'a letter that only looks like ours': genuine.replace('e', 'е'),
    'percent signs': encodeURIComponent(genuine).replaceAll('.', '%2E'),
    quotes: `"${genuine}"`,
    'a token of another service with our names': signWith(stranger, { ...header, alg: 'ES256' }, claims)
  }
}

/** Forgeries that exist for ES256 only. */
export function es256Forgeries({ key, genuine }: ForgeryParts): Record<string, string> {
  const [head = '', payload = '', signature = ''] = genuine.split('.')
  const input = Buffer.from(`${head}.${payload}`)
  const own = Buffer.from(signature, 'base64url')
  const [r, s] = [numberOf(own.subarray(0, 32)), numberOf(own.subarray(32))]
  const signed = (bytes: Buffer) => `${head}.${payload}.${encode(bytes)}`
  const signing = createPrivateKey(key.signing)
  const raw = (digest: string) => signBytes(digest, input, { key: signing, dsaEncoding: 'ieee-p1363' })
  return {
    'signature in DER': signed(signBytes('sha256', input, signing)),
    'signature over another hash': signed(raw('sha512')),
    'signature over SHA-1': signed(raw('sha1')),
    'signature with r + 1': signed(Buffer.concat([bytesOf(r + 1n), bytesOf(s)])),
    'signature with n − r': signed(Buffer.concat([bytesOf(order - r), bytesOf(s)])),
    'signature of both twins': signed(Buffer.concat([bytesOf(order - r), bytesOf(order - s)])),
    'signature of 33 bytes a half': signed(
      Buffer.concat([Buffer.of(0), own.subarray(0, 32), Buffer.of(0), own.subarray(32)])
    )
  }
}

/** Correctly signed tokens that are not our access tokens, as after a bug or another use of the key. */
export function malformed({ key, genuine }: ForgeryParts): Record<string, string> {
  const claims = claimsOf(genuine)
  const header = headerOf(key)
  const withHeader = (more: object) => signWith(key, { ...header, ...more }, claims)
  const withClaims = (more: object) => signWith(key, header, { ...claims, ...more })
  const text = JSON.stringify(claims)
  const without = (name: string) => Object.fromEntries(Object.entries(claims).filter(([other]) => other !== name))
  const publicJwk = key.alg === 'HS256' ? {} : createPublicKey(key.verifying).export({ format: 'jwk' })

  return {
    ...Object.fromEntries(Object.keys(claims).map((name) => [`without ${name}`, signWith(key, header, without(name))])),
    ...Object.fromEntries(
      Object.keys(claims)
        .flatMap((name) =>
          [null, {}, [], [{}], true, '\0', 1.5, Number.POSITIVE_INFINITY].flatMap((value) =>
            name === 'amr' || name === 'roles'
              ? []
              : [[`${name} ${JSON.stringify(value)}`, withClaims({ [name]: value })]]
          )
        )
        .filter(([name]) => !/^(sub|sid|jti|client_id) "/.test(name ?? ''))
    ),
    ...Object.fromEntries(
      ['amr', 'roles'].flatMap((name) =>
        [null, 'admin', { 0: 'admin' }, [1], [null], [['admin']], 1].map((value) => [
          `${name} ${JSON.stringify(value)}`,
          withClaims({ [name]: value })
        ])
      )
    ),
    ...Object.fromEntries(
      [
        'JWT',
        'at+JWT ',
        'application/at+jwt',
        'AT+JWT',
        'rt+jwt',
        'dpop+jwt',
        'logout+jwt',
        '',
        null,
        ['at+jwt'],
        {}
      ].map((typ) => [`typ ${JSON.stringify(typ)}`, withHeader({ typ })])
    ),
    ...Object.fromEntries(
      ['none', 'HS256', 'ES256', 'RS256', 'EdDSA', 'ES384', 'PS256']
        .filter((alg) => alg !== key.alg)
        .map((alg) => [`signed well, and called ${alg}`, withHeader({ alg })])
    ),
    'no typ': signWith(key, { alg: key.alg, kid: key.kid }, claims),
    'no kid': signWith(key, { alg: key.alg, typ: 'at+jwt' }, claims),
    'no alg': signWith(key, { typ: 'at+jwt', kid: key.kid }, claims),
    'our own key, embedded': withHeader({ jwk: publicJwk }),
    'an unknown crit': withHeader({ crit: ['exp2'], exp2: 1 }),
    'an empty crit': withHeader({ crit: [] }),
    'crit as text': withHeader({ crit: 'b64' }),
    'b64 false': withHeader({ crit: ['b64'], b64: false }),
    zip: withHeader({ zip: 'DEF' }),
    cty: withHeader({ cty: 'JWT' }),
    'a member nobody knows': withHeader({ x: 1 }),
    'a header that is no object': signWith(key, '"ES256"', claims),
    'a header that is a list': signWith(key, [header], claims),
    'a header with a mark in front': signWith(key, `\ufeff${JSON.stringify(header)}`, claims),
    'a header with white space': signWith(key, JSON.stringify(header, undefined, 1), claims).replace(/^/, 'ICA'),
    'another iss': withClaims({ iss: 'https://other.example' }),
    'iss with a slash': withClaims({ iss: `${claims.iss}/` }),
    'iss in capitals': withClaims({ iss: String(claims.iss).toUpperCase() }),
    'another aud': withClaims({ aud: 'https://other.example' }),
    'a list of aud without ours': withClaims({ aud: ['https://other.example'] }),
    'a list of aud within a list': withClaims({ aud: [[claims.aud]] }),
    'an empty list of aud': withClaims({ aud: [] }),
    'exp as text': withClaims({ exp: String(claims.exp) }),
    'exp as a date': withClaims({ exp: '2099-01-01T00:00:00Z' }),
    'exp with a fraction': withClaims({ exp: Number(claims.exp) + 0.5 }),
    'exp past what a number holds': signWith(key, header, text.replace(/"exp":\d+/, '"exp":1e400')),
    'exp past what a whole number holds': withClaims({ exp: 2 ** 60 }),
    'iat as text': withClaims({ iat: String(claims.iat) }),
    'the payload within a list': signWith(key, header, [claims]),
    'the payload within text': signWith(key, header, JSON.stringify(text)),
    'the payload is null': signWith(key, header, 'null'),
    'the payload is a number': signWith(key, header, '1'),
    'the payload is empty': signWith(key, header, ''),
    'the payload is another token (nested)': signWith(key, { ...header, cty: 'JWT' }, genuine),
    'the payload is a token, with our header': signWith(key, header, genuine),
    'the payload with a mark in front': signWith(key, header, `\ufeff${text}`),
    'the payload with a comma too many': signWith(key, header, text.replace(/}$/, ',}')),
    'the payload with a comment': signWith(key, header, `/**/${text}`),
    'the payload in bytes that are no UTF-8': signWith(key, header, Buffer.from([0x7b, 0xff, 0xfe, 0x7d])),
    'the payload deep': signWith(key, header, '['.repeat(4000)),
    'claims below __proto__': signWith(key, header, `{"__proto__":${text}}`),
    'the last exp counts, and it is none': signWith(key, header, text.replace(/}$/, ',"exp":null}')),
    'the last roles count, and they are none': signWith(key, header, text.replace(/}$/, ',"roles":"admin"}'))
  }
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}
