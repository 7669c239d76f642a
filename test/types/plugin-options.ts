// Compiled by `npm run types`, never run: each @ts-expect-error marks a use that must not compile.
import Fastify from 'fastify'
import latchkey, { type LatchkeyOptions } from '../../src/index.js'
import verifier, { type VerifierOptions } from '../../src/verifier/index.js'

const app = Fastify()

await app.register(latchkey, { prefix: '/auth', issuer: 'https://example.com/auth', accessTokenTtlSeconds: 300 })
const undefinedIsDefault: LatchkeyOptions = {
  issuer: process.env.ISSUER,
  databaseUrl: undefined,
  allowedOrigins: ['https://app.example.com'],
  audience: 'https://api.example.com',
  docs: 'off',
  logLevel: 'warn'
}

const withIssuer = { issuer: 'https://example.com' }

// @ts-expect-error a plugin does not know its address
const withoutIssuer: LatchkeyOptions = { prefix: '/auth' }
// @ts-expect-error a duration is a number of seconds
const textDuration: LatchkeyOptions = { ...withIssuer, accessTokenTtlSeconds: '300' }
// @ts-expect-error there is no such setting
const unknownSetting: LatchkeyOptions = { ...withIssuer, accessTtl: 300 }
// @ts-expect-error the host listens, so the port is the host's
const hostsPort: LatchkeyOptions = { ...withIssuer, port: 3000 }
// @ts-expect-error the algorithms are a closed list
const unknownAlgorithm: LatchkeyOptions = { ...withIssuer, jwtAlg: 'none' }
// @ts-expect-error options are read-only
undefinedIsDefault.databaseUrl = 'postgresql://127.0.0.1/test'

const issuer = 'https://auth.example.com'
await app.register(verifier, { issuer, audience: issuer })
await app.register(verifier, {
  issuer: process.env.ISSUER,
  audience: process.env.AUDIENCE,
  feed: { credential: { id: 'a', secret: process.env.SECRET } }
})
await app.register(verifier, {
  issuer,
  audience: issuer,
  stale: 'deny',
  feed: { credential: { id: 'a', secret: 'b' } }
})

// @ts-expect-error a verifier without an audience would accept tokens for other services
await app.register(verifier, { issuer })
// @ts-expect-error a feed needs a credential
const feedWithoutCredential: VerifierOptions = { issuer, audience: issuer, feed: {} }
// @ts-expect-error stale is allow or deny
const unknownStale: VerifierOptions = { issuer, audience: issuer, stale: 'refuse' }

export { feedWithoutCredential, hostsPort, textDuration, unknownAlgorithm, unknownSetting, unknownStale, withoutIssuer }
