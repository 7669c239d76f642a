import { createServer } from 'node:http'
import { type Auth, createVerifier, type VerificationResult } from 'latchkey-verifier'

/** A server without Fastify, in a program that has no types of Fastify either. */
const verifier = createVerifier({ issuer: process.env.ISSUER, audience: process.env.ISSUER })

createServer(async (request, response) => {
  const result: VerificationResult = await verifier.authenticate(request.headers)
  if (!result.ok) return response.writeHead(result.status, result.headers).end(result.body)
  const auth: Auth = result.auth
  // @ts-expect-error the token has no e-mail address
  response.end(`for ${auth.userId}, ${auth.email}`)
})
