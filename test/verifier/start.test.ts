import Fastify from 'fastify'
import t, { type Test } from 'tap'
import verifier, { createVerifier, type VerifierOptions } from '../../src/verifier/index.js'
import { type Issuer, startIssuer } from '../support/verifier/issuer.js'
import { openVerifier, verificationCode, waitUntil, withFeed } from '../support/verifier/verifiers.js'

/** An app whose log lines end in `lines`, with the verifier's plugin. */
async function hostOf(t: Test, issuer: Issuer, options: Partial<VerifierOptions> = withFeed) {
  const lines: string[] = []
  const app = Fastify({ logger: { level: 'warn', stream: { write: (line: string) => lines.push(line) } } })
  t.teardown(() => app.close())
  await app.register(verifier, { issuer: issuer.url, audience: issuer.audience, ...options })
  return { app, lines }
}

/** Until the test ends, all process warnings of Latchkey. */
function processWarnings(t: Test): string[] {
  const warnings: string[] = []
  const listen = ({ name, message }: Error) => name === 'LatchkeyWarning' && warnings.push(message)
  process.on('warning', listen)
  t.teardown(() => process.off('warning', listen))
  return warnings
}

for (const status of [401, 403]) {
  t.test(`an issuer that refuses the feed credential with ${status} fails the start of the app`, async (t) => {
    const issuer = await startIssuer(t)
    issuer.feedHandler = (_request, response) => response.writeHead(status).end()
    const { app, lines } = await hostOf(t, issuer)
    const message = `refuses the verifier's feed credential (${issuer.url}/revocations answered ${status} to the id "reports")`
    await t.rejects(async () => app.ready(), { message: new RegExp(message.replace(/[()]/g, '.')) })
    t.match(lines.join(''), 'SERVICE_CREDENTIALS')
    t.notMatch(lines.join(''), withFeed.feed.credential.secret)
    t.equal(lines.length, 1)
  })
}

t.test('without a logger the refusal is a process warning too', async (t) => {
  const warnings = processWarnings(t)
  const issuer = await startIssuer(t)
  issuer.feedHandler = (_request, response) => response.writeHead(401).end()
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(verifier, { issuer: issuer.url, audience: issuer.audience, ...withFeed })
  await t.rejects(async () => app.ready(), { message: /SERVICE_CREDENTIALS/ })
  t.match(warnings, [/^The issuer refuses the verifier's feed credential/])
})

t.test('a verifier whose credential is refused warns, and `ready` rejects, once tried or later', async (t) => {
  const issuer = await startIssuer(t)
  issuer.feedHandler = (_request, response) => response.writeHead(401).end()
  const { verifier, warnings } = openVerifier(t, issuer, withFeed)
  await t.rejects(verifier.ready(), { message: /feed\.credential must be .* one of the SERVICE_CREDENTIALS/ })
  await t.rejects(verifier.ready(), { message: /SERVICE_CREDENTIALS/ })
  t.equal(warnings.length, 1)
  t.equal(await verificationCode(verifier, issuer.token()), 'accepted', 'it goes on without the feed')
  issuer.feedHandler = undefined
  await waitUntil(() => issuer.followers.length > 0)
})

t.test('a credential that is refused only after an outage is warned of as well', async (t) => {
  const issuer = await startIssuer(t)
  issuer.feedHandler = (_request, response) => response.destroy()
  const { verifier, warnings } = openVerifier(t, issuer, withFeed)
  await verifier.ready()
  issuer.feedHandler = (_request, response) => response.writeHead(401).end()
  await waitUntil(() => warnings.length === 2)
  t.match(warnings, [/could not be followed/, /refuses the verifier's feed credential/])
})

t.test('an issuer that cannot be reached does not fail the start', async (t) => {
  const issuer = await startIssuer(t)
  const { app, lines } = await hostOf(t, issuer, {
    jwksUrl: 'http://127.0.0.1:1/.well-known/jwks.json',
    feed: { url: 'http://127.0.0.1:1/revocations', credential: withFeed.feed.credential }
  })
  await app.ready()
  t.match(lines.join(''), 'could not be followed')
  const { verifier } = openVerifier(t, issuer, {
    ...withFeed,
    issuer: 'http://127.0.0.1:1'
  })
  await t.resolves(verifier.ready())
})

t.test('an issuer that accepts the connection and says nothing delays the start for a bounded time only', async (t) => {
  const issuer = await startIssuer(t)
  issuer.feedHandler = () => {}
  const { verifier } = openVerifier(t, issuer, { ...withFeed, timing: { feedStartTimeout: 20 } })
  await t.resolves(verifier.ready())
})

t.test('an issuer that differs a little is named at the start, with the right one', async (t) => {
  const issuer = await startIssuer(t)
  const named = issuer.url
  const cases: readonly (readonly [option: string, name: string, difference: string])[] = [
    [`${named}/`, named, ', which differs only in a slash at the end'],
    [named, `${named}/`, ', which differs only in a slash at the end'],
    [named, named.replace('http:', 'https:'), ', which differs only in http and https'],
    [named, named.replace(/:\d+$/, ''), ', which differs only in the port'],
    [named, named.replace('http', 'HTTP'), ', which differs only in upper and lower case'],
    [named, 'https://auth.example.com', '']
  ]
  for (const [option, name, difference] of cases) {
    issuer.name = name
    const { app, lines } = await hostOf(t, issuer, { issuer: option })
    const message = `The verifier's option issuer is "${option}", but the service names "${name}"${difference}. Its tokens are refused. Set the option to "${name}", the ISSUER of the service.`
    await t.rejects(async () => app.ready(), { message })
    t.equal(lines.length, 1)
    t.equal(JSON.parse(lines[0] ?? '{}').msg, message)
  }
})

t.test('without metadata the first token names the issuer, once', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier, warnings } = openVerifier(t, issuer, {
    issuer: `${issuer.url}/`,
    jwksUrl: `${issuer.url}/x/../.well-known/jwks.json#`
  })
  const { verifier: other, warnings: theirs } = openVerifier(t, issuer, { audience: 'https://other.example' })
  await other.ready()
  for (let count = 0; count < 2; count++) {
    t.equal(await verificationCode(verifier, issuer.token()), 'invalid_token')
    t.equal(await verificationCode(other, issuer.token()), 'invalid_token')
  }
  t.match(warnings, [/service names "http:.*", which differs only in a slash at the end/])
  t.equal(warnings.length, 1)
  t.match(theirs, [
    /option audience is "https:\/\/other.example", but a token .* has the audience "https:\/\/api.example"/
  ])
  t.equal(theirs.length, 1)
})

t.test('a token that was not signed by the issuer causes no warning', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier, warnings } = openVerifier(t, issuer)
  await verifier.ready()
  const [head, , signature] = issuer.token().split('.')
  const payload = Buffer.from(JSON.stringify({ iss: 'https://evil.example', aud: 'x' })).toString('base64url')
  t.equal(await verificationCode(verifier, `${head}.${payload}.${signature}`), 'invalid_token')
  t.strictSame(warnings, [])
})

t.test('an option that is missing in the environment is named by a TypeError', async (t) => {
  const { NOT_SET_ANYWHERE: missing } = process.env
  const least = { issuer: 'https://auth.example', audience: 'https://api.example' }
  t.throws(() => createVerifier({ ...least, issuer: missing }), {
    name: 'TypeError',
    message: /option issuer is not set/
  })
  t.throws(() => createVerifier({ ...least, audience: missing }), { name: 'TypeError', message: /option audience is/ })
  const feed = { credential: { id: 'reports', secret: missing } }
  t.throws(() => createVerifier({ ...least, feed }), {
    name: 'TypeError',
    message: /feed\.credential\.secret is not set/
  })
})

t.test("Fastify's own options of register are not taken for misspelt ones", async (t) => {
  const issuer = await startIssuer(t)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(verifier, { issuer: issuer.url, audience: issuer.audience, prefix: '/x', logLevel: 'warn' })
  await t.resolves(async () => app.ready())
  t.equal(issuer.keyRequests, 0)
})
