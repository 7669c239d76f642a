// Compiled by `npm run types`, never run: each @ts-expect-error marks a use that must not compile.
import Fastify from 'fastify'
import latchkey, { type LatchkeyOptions } from '../../src/index.js'
import verifier, { type VerifierOptions } from '../../src/verifier/index.js'

const app = Fastify()

await app.register(latchkey)
await app.register(latchkey, { prefix: '/auth', issuer: 'https://example.com/auth', accessTokenTtlSeconds: 300 })
const undefinedIsDefault: LatchkeyOptions = { databaseUrl: undefined, allowedOrigins: ['https://app.example.com'] }

// @ts-expect-error a duration is a number of seconds
const textDuration: LatchkeyOptions = { accessTokenTtlSeconds: '300' }
// @ts-expect-error there is no such setting
const unknownSetting: LatchkeyOptions = { accessTtl: 300 }
// @ts-expect-error the host listens, so the port is the host's
const hostsPort: LatchkeyOptions = { port: 3000 }
// @ts-expect-error the host logs
const hostsLog: LatchkeyOptions = { logLevel: 'info' }
// @ts-expect-error the algorithms are a closed list
const unknownAlgorithm: LatchkeyOptions = { jwtAlg: 'none' }
// @ts-expect-error options are read-only
undefinedIsDefault.databaseUrl = 'postgresql://127.0.0.1/test'

const issuer = 'https://auth.example.com'
await app.register(verifier, { issuer, audience: issuer })
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

export { feedWithoutCredential, hostsLog, hostsPort, textDuration, unknownAlgorithm, unknownSetting, unknownStale }
