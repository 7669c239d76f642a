import { randomUUID, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { PrismaPg } from '@prisma/adapter-pg'
import Fastify from 'fastify'
import latchkey from 'latchkey'
import { PrismaClient } from './generated/client.js'

interface Credentials {
  readonly name: string
  readonly password: string
}

const text = { type: 'string', minLength: 1, maxLength: 200 }
const credentials = { type: 'object', required: ['name', 'password'], properties: { name: text, password: text } }

const hash = async (password: string, salt: string): Promise<Buffer> => {
  const bytes = await promisify(scrypt)(password, salt, 32)
  if (!Buffer.isBuffer(bytes)) throw new Error('scrypt returned no bytes.')
  return bytes
}

/** An app with people and passwords of its own, in its own Prisma. Latchkey has their sessions, and no passwords. */
export async function buildApp(databaseUrl: string, rootSecret: string) {
  const app = Fastify()
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: databaseUrl }) })
  app.addHook('onClose', () => prisma.$disconnect())

  await app.register(latchkey, {
    prefix: '/auth',
    databaseUrl,
    rootSecret: [rootSecret],
    issuer: 'http://localhost:3000/auth',
    cookieSecure: false,
    passwordLogin: false
  })
  const { authenticate, authenticateOptional, startSession } = app.latchkey

  app.post<{ Body: Credentials }>('/people', { schema: { body: credentials } }, async ({ body }, reply) => {
    const salt = randomUUID()
    const passwordHash = (await hash(body.password, salt)).toString('base64')
    await prisma.person.create({ data: { name: body.name, salt, passwordHash } })
    return reply.code(201).send()
  })

  // The guard finds out who is signed in already. If it is the same person, the new session takes the place of the old one.
  const options = { schema: { body: credentials }, preHandler: authenticateOptional }
  app.post<{ Body: Credentials }>('/sign-in', options, async ({ body }, reply) => {
    const person = await prisma.person.findUnique({ where: { name: body.name } })
    // An unknown name takes the same work. Limit the attempts too, for example by @fastify/rate-limit.
    const proof = await hash(body.password, person?.salt ?? '')
    const isRight = person !== null && timingSafeEqual(proof, Buffer.from(person.passwordHash, 'base64'))
    if (!isRight) return reply.code(401).send({ code: 'wrong_name_or_password' })
    return startSession(reply, {
      externalId: person.id,
      mode: 'body',
      amr: ['pwd'],
      roles: person.isEditor ? ['editor'] : []
    })
  })

  app.get('/hello', { preHandler: authenticate }, async ({ auth }) => ({ id: auth.userId, roles: auth.roles }))

  return { app, prisma }
}
