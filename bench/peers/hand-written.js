// Fastify, @fastify/jwt and Prisma as tutorials put them together: the refresh token is a JWT whose hash has a row. A
// refresh finds the row and the user, revokes the row, and adds one for the next token.
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import jwt from '@fastify/jwt'
import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from '@prisma/client'
import bcrypt from 'bcrypt'
import Fastify from 'fastify'
import pg from 'pg'
import { inSchema, serve } from './serve.js'

const [url, schema, bcryptCost] = process.argv.slice(2)
const setUp = new pg.Client({ connectionString: url, options: inSchema(schema) })
await setUp.connect()
await setUp.query(`
  CREATE TABLE "User" (id text PRIMARY KEY, email text NOT NULL UNIQUE, password text NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP);
  CREATE TABLE "RefreshToken" (id text PRIMARY KEY, "hashedToken" text NOT NULL, "userId" text NOT NULL
    REFERENCES "User" ON DELETE CASCADE, revoked boolean NOT NULL DEFAULT false,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "updatedAt" timestamp(3) NOT NULL)`)
await setUp.end()

const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url, max: 10 }, { schema }) })
const app = Fastify()
app.register(jwt, { secret: randomBytes(32).toString('hex') })
app.get('/guarded', { preHandler: (request) => request.jwtVerify() }, async () => ({ hello: 'world' }))
app.get('/me', { preHandler: (request) => request.jwtVerify() }, (request) =>
  prisma.user.findUnique({ where: { id: request.user.userId }, select: { id: true, email: true } })
)
app.post('/register', async ({ body: { email, password } }) => {
  const user = await prisma.user.create({ data: { email, password: await bcrypt.hash(password, Number(bcryptCost)) } })
  return issueTokens(user)
})
app.post('/login', async ({ body: { email, password } }, reply) => {
  const user = await prisma.user.findUnique({ where: { email } })
  if (user === null || !(await bcrypt.compare(password, user.password))) return reply.code(403).send()
  return issueTokens(user)
})
app.post('/refresh', async ({ body: { refresh_token: token } }, reply) => {
  const { jti, userId } = app.jwt.verify(token)
  const saved = await prisma.refreshToken.findUnique({ where: { id: jti } })
  if (saved === null || saved.revoked || saved.hashedToken !== sha512(token)) return reply.code(401).send()
  const user = await prisma.user.findUnique({ where: { id: userId } })
  if (user === null) return reply.code(401).send()
  await prisma.refreshToken.update({ where: { id: jti }, data: { revoked: true } })
  return issueTokens(user)
})
app.post('/logout', async ({ body: { refresh_token: token } }, reply) => {
  const { jti } = app.jwt.verify(token)
  await prisma.refreshToken.delete({ where: { id: jti } })
  return reply.code(204).send()
})
await app.ready()
serve(app.server)

async function issueTokens({ id: userId }) {
  const jti = randomUUID()
  const accessToken = app.jwt.sign({ userId }, { expiresIn: '10m' })
  const refreshToken = app.jwt.sign({ userId, jti }, { expiresIn: '14d' })
  await prisma.refreshToken.create({ data: { id: jti, hashedToken: sha512(refreshToken), userId } })
  return { access_token: accessToken, refresh_token: refreshToken }
}

function sha512(text) {
  return createHash('sha512').update(text).digest('hex')
}
