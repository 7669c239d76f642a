import cors from '@fastify/cors'
import Fastify from 'fastify'
import verifier from 'latchkey/verifier'
import { addConnections } from './connections.js'

const { ISSUER: issuer, APP_ORIGIN: origin, PORT: port, SERVICE_SECRET: secret } = process.env

const app = Fastify()
await app.register(cors, { origin })
await app.register(verifier, { issuer, audience: issuer, feed: { credential: { id: 'example', secret } } })
await addConnections(app)
await app.listen({ port: Number(port) })
console.log('The service listens.')
