// What nginx asks of each request: 204 with who it is, or the refusal. A server of node:http and nothing else.
import { createServer } from 'node:http'
import { createVerifier } from 'latchkey/verifier'

const { ISSUER: issuer, SERVICE_SECRET: secret, PORT: port = 8081 } = process.env
const verifier = createVerifier({ issuer, audience: issuer, feed: { credential: { id: 'example', secret } } })

const server = createServer(async (request, response) => {
  const verdict = await verifier.authenticate(request.headers)
  if (!verdict.ok) return response.writeHead(verdict.status, verdict.headers).end(verdict.body)
  const { userId, roles } = verdict.auth
  response.writeHead(204, { 'x-user-id': userId, 'x-roles': roles.join(' ') }).end()
})
server.on('close', () => verifier.close())
server.listen(Number(port), '127.0.0.1', () => console.log('verify.js listens'))
