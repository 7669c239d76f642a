import { randomBytes, randomUUID } from 'node:crypto'
import jwt from '@fastify/jwt'
import { PrismaPg } from '@prisma/adapter-pg'
import Fastify from 'fastify'
import { PrismaClient } from '../../../src/adapters/prisma/generated/client.js'
import { sha256 } from '../database.js'
import { serve } from './serve.js'

/**
 * A server as people write it by hand, with Fastify, @fastify/jwt and Prisma. A refresh reads the session, compares the
 * hash of the token, and stores a new hash.
 */
const [url, schema] = process.argv.slice(2)
const prisma = new PrismaClient({
  adapter: new PrismaPg({ connectionString: url, max: 10 }, schema === undefined ? {} : { schema })
})
const app = Fastify()
app.register(jwt, { secret: randomBytes(32).toString('hex') })
app.get('/guarded', { preHandler: (request) => request.jwtVerify() }, async () => ({ hello: 'world' }))
app.post('/token', async () => ({ access_token: app.jwt.sign({ sub: randomUUID() }) }))
app.post<{ Body: { refresh_token: string } }>('/refresh', async (request, reply) => {
  const [sid = '', , secret = ''] = request.body.refresh_token.split('.')
  const session = await prisma.session.findUnique({ where: { id: sid }, include: { user: true } })
  if (
    session === null ||
    session.secretHash !== sha256(Buffer.from(secret, 'hex')) ||
    session.idleExpiresAt < new Date()
  ) {
    return reply.code(401).send({ code: 'invalid_refresh_token' })
  }
  const next = randomBytes(32).toString('hex')
  await prisma.session.update({
    where: { id: sid },
    data: { secretHash: sha256(Buffer.from(next, 'hex')), lastUsedAt: new Date(), rotatedAt: new Date() }
  })
  const accessToken = app.jwt.sign({ sub: session.userId, sid, roles: session.user.roles }, { expiresIn: '10m' })
  return { access_token: accessToken, token_type: 'Bearer', expires_in: 600, refresh_token: `${sid}.0.${next}` }
})
await serve(app)
