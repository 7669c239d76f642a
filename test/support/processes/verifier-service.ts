/** Another service with one guarded route, on node:http alone. It reaches the issuer at `ISSUER_ADDRESS`. */
import { createServer } from 'node:http'
import { createVerifier } from '../../../src/verifier/index.js'
import { serviceCredential } from '../faults/fleet-settings.js'

const { ISSUER: issuer = '', ISSUER_ADDRESS: address = '', FEED_STALE } = process.env
const verifier = createVerifier({
  issuer,
  audience: issuer,
  jwksUrl: `${address}/.well-known/jwks.json`,
  feed: { url: `${address}/revocations`, credential: serviceCredential },
  stale: FEED_STALE === 'deny' ? 'deny' : 'allow'
})

const server = createServer(async (request, response) => {
  const verdict = await verifier.authenticate(request.headers)
  if (!verdict.ok) return response.writeHead(verdict.status, verdict.headers).end(verdict.body)
  response.end(JSON.stringify({ for: verdict.auth.userId }))
})
// Longer than any pause between requests, so that no connection ends just when a client uses it again.
server.keepAliveTimeout = 120_000
server.listen(0, '127.0.0.1', () => {
  const at = server.address()
  if (at !== null && typeof at === 'object') console.log(`The verifier listens at http://127.0.0.1:${at.port}`)
})
