// nginx asks this server about each request. It answers 204 with the user, or with the refusal.
import { createServer } from 'node:http'
import { createVerifier } from 'latchkey/verifier'

const { ISSUER: issuer, SERVICE_SECRET: secret, PORT: port = 8081 } = process.env
const verifier = createVerifier({ issuer, audience: issuer, feed: { credential: { id: 'example', secret } } })

const server = createServer(async (request, response) => {
  const result = await verifier.authenticate(request.headers)
  if (!result.ok) return response.writeHead(result.status, result.headers).end(result.body)
  const { userId, roles } = result.auth
  response.writeHead(204, { 'x-user-id': userId, 'x-roles': roles.join(' ') }).end()
})
server.on('close', () => verifier.close())
server.listen(Number(port), '127.0.0.1', () => console.log('verify.js listens'))
