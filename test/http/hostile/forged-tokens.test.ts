import { createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import type { SigningKey } from '../../../src/adapters/keys/signing-keys.js'
import { signingAlgorithms } from '../../../src/core/vocabulary.js'
import { verifier } from '../../../src/verifier/fastify.js'
import { openTestDatabase } from '../../support/database.js'
import {
  claimsOf,
  es256Forgeries,
  type ForgeryParts,
  forgeries,
  malformed,
  signWith,
  stolenKey,
  twinOf
} from '../../support/http/forgeries.js'
import { newPerson } from '../../support/http/people.js'
import { portOf } from '../../support/http/raw-socket.js'
import { postForm, serviceSecret, serviceSettings } from '../../support/http/services.js'
import { processTestMilliseconds } from '../../support/processes/process.js'
import { openService } from '../../support/service.js'
import { waitUntil } from '../../support/verifier/verifiers.js'

/**
 * Every part of the service, and a verifier elsewhere, that accepts access tokens; and its response to a forged one.
 */
const issuer = 'https://auth.test'

t.setTimeout(processTestMilliseconds)

/** A server that must receive no request. */
const asked: string[] = []
const trapServer = createServer((request, response) => {
  asked.push(request.url ?? '')
  response.end('{"keys":[]}')
}).listen(0, '127.0.0.1')
trapServer.on('connection', () => asked.push('a connection'))
await once(trapServer, 'listening')
t.teardown(() => trapServer.close())
const trap = `http://127.0.0.1:${(trapServer.address() as AddressInfo).port}`

for (const alg of signingAlgorithms) {
  t.test(alg, async (t) => {
    const database = await openTestDatabase(t, { kind: 'embedded' })
    const service = await openService(t, database, { ...serviceSettings, JWT_ALG: alg })
    const port = await portOf(service)
    // HS256 secrets are not published, so only the service itself can verify HS256.
    const guarded = alg === 'HS256' ? undefined : await openGuardedApp(t, `http://127.0.0.1:${port}`)
    const person = await newPerson(service)
    const key = await stolenKey(database, alg)
    const parts: ForgeryParts = {
      key,
      genuine: person.client.accessToken,
      trap,
      published: publishedBytes(key, (await service.inject('/.well-known/jwks.json')).body)
    }
    const consumers = { service, guarded }

    t.test('genuine tokens, and one signed by this test with the same key, are accepted', async (t) => {
      await expectAccepted(t, consumers, parts.genuine)
      const header = { alg, typ: 'at+jwt', kid: key.kid }
      await expectAccepted(t, consumers, signWith(key, header, { ...claimsOf(parts.genuine), jti: 'by hand' }))
    })

    t.test('every forged token is refused everywhere', async (t) => {
      const forged = { ...forgeries(parts), ...(alg === 'ES256' && es256Forgeries(parts)) }
      for (const [name, token] of Object.entries(forged)) await expectRefused(t, consumers, token, name)
    })

    t.test('a correctly signed token that is not an access token is refused everywhere', async (t) => {
      for (const [name, token] of Object.entries(malformed(parts))) await expectRefused(t, consumers, token, name)
    })

    t.test('an expired token is refused, however long ago it expired', async (t) => {
      for (const exp of [0, 1, -1, -(2 ** 40), Math.floor(Date.now() / 1000) - 60]) {
        const token = signWith(key, { alg, typ: 'at+jwt', kid: key.kid }, { ...claimsOf(parts.genuine), exp })
        await expectRefused(t, consumers, token, `exp ${exp}`, 'token_expired')
      }
    })

    t.test('a token with any single character changed is refused', async (t) => {
      const { genuine } = parts
      const taken: number[] = []
      for (let at = 0; at < genuine.length; at += 1) {
        // A letter that differs in every bit.
        const other = genuine[at] === '.' ? 'A' : letters[letters.length - 1 - letters.indexOf(genuine[at] ?? '')]
        const changed = `${genuine.slice(0, at)}${other}${genuine.slice(at + 1)}`
        if ((await statusOf(service, changed)) !== 401) taken.push(at)
        if (guarded !== undefined && (await statusOf(guarded, changed)) !== 401) taken.push(at)
      }
      t.strictSame(taken, [])
    })

    t.test('a token has one spelling: unused bits of the last letter must be zero', async (t) => {
      const [head, payload, signature = ''] = parts.genuine.split('.')
      const last = letters.indexOf(signature.at(-1) ?? '')
      const respelled = `${head}.${payload}.${signature.slice(0, -1)}${letters[last ^ 1]}`
      await expectRefused(t, consumers, respelled, 'respelled')
    })

    t.test('the genuine token still works afterwards, and no forged one ended its session', async (t) => {
      await expectAccepted(t, consumers, parts.genuine)
    })

    t.test('ending a session refuses every spelling and every signature of its tokens', async (t) => {
      const header = { alg, typ: 'at+jwt', kid: key.kid }
      const claims = claimsOf(parts.genuine)
      const tokens = {
        'the token itself': parts.genuine,
        'another signature': signWith(key, header, claims),
        'issued ahead of time': signWith(key, header, { ...claims, iat: Number(claims.exp) + 1000, exp: 2 ** 40 }),
        ...(alg === 'ES256' && { 'the twin of its signature': twinOf(parts.genuine) })
      }
      for (const token of Object.values(tokens)) await expectAccepted(t, consumers, token)
      await person.client.send('POST', '/logout')
      for (const [name, token] of Object.entries(tokens)) {
        if (guarded !== undefined) await waitUntil(async () => (await statusOf(guarded, token)) === 401)
        await expectRefused(t, consumers, token, name, 'session_revoked')
      }
    })
  })
}

t.test('no request reached the address that the forged tokens name', async (t) => {
  t.strictSame(asked, [])
})

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

interface Consumers {
  readonly service: FastifyInstance
  readonly guarded: FastifyInstance | undefined
}

/** An app that accepts the service's tokens and follows its revocation feed. */
async function openGuardedApp(t: Test, url: string): Promise<FastifyInstance> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(verifier, {
    issuer,
    audience: issuer,
    jwksUrl: `${url}/.well-known/jwks.json`,
    feed: { url: `${url}/revocations`, credential: { id: 'gateway', secret: serviceSecret } },
    stale: 'deny'
  })
  app.get('/me', { preHandler: app.latchkey.authenticate }, async (request) => request.auth)
  return app
}

/** Everything public about the key, in forms that a careless verifier could take for a secret. */
function publishedBytes({ alg, verifying }: SigningKey, jwks: string): (string | Buffer)[] {
  if (alg === 'HS256') return [jwks]
  const key = createPublicKey(verifying)
  const pem = key.export({ type: 'spki', format: 'pem' }).toString()
  const jwk = key.export({ format: 'jwk' })
  const pkcs1 = alg === 'RS256' ? [key.export({ type: 'pkcs1', format: 'pem' }).toString()] : []
  const members = [jwk.x, jwk.y, jwk.n].filter((member) => member !== undefined)
  return [
    pem,
    pem.trim(),
    pem.replaceAll('\n', ''),
    ...pkcs1,
    key.export({ type: 'spki', format: 'der' }),
    JSON.stringify(jwk),
    jwks,
    ...members,
    ...members.map((member) => Buffer.from(member, 'base64url'))
  ]
}

const bearer = (token: string) => ({ authorization: `Bearer ${Buffer.from(token).toString('latin1')}` })

async function statusOf(app: FastifyInstance, token: string): Promise<number> {
  return (await app.inject({ url: '/me', headers: bearer(token) })).statusCode
}

async function expectAccepted(t: Test, { service, guarded }: Consumers, token: string): Promise<void> {
  t.equal(await statusOf(service, token), 200)
  t.equal((await postForm(service, '/introspect', { token })).json().active, true)
  if (guarded !== undefined) t.equal(await statusOf(guarded, token), 200)
}

/** Expects `code` everywhere that takes access tokens, and `active: false` from introspection. */
async function expectRefused(
  t: Test,
  { service, guarded }: Consumers,
  token: string,
  name: string,
  code = 'invalid_token'
): Promise<void> {
  const refusal = { status: 401, code, challenge: 'Bearer error="invalid_token"' }
  const isSmall = token.length <= 8192
  t.strictSame(
    {
      service: await refusalOf(service, token),
      guarded: guarded && (await refusalOf(guarded, token)),
      logout: (await service.inject({ method: 'POST', url: '/logout', headers: bearer(token) })).statusCode,
      introspection: isSmall && (await postForm(service, '/introspect', { token })).json(),
      revoke: isSmall && (await postForm(service, '/revoke', { token })).statusCode
    },
    {
      service: refusal,
      guarded: guarded && refusal,
      // Logging out of an ended session succeeds, because the goal is reached.
      logout: code === 'session_revoked' ? 204 : 401,
      introspection: isSmall && { active: false },
      revoke: isSmall && 200
    },
    name
  )
}

async function refusalOf(app: FastifyInstance, token: string) {
  const response = await app.inject({ url: '/me', headers: bearer(token) })
  return {
    status: response.statusCode,
    code: response.json().code,
    challenge: response.headers['www-authenticate']
  }
}
