import { PrismaPg } from '@prisma/adapter-pg'
import Fastify from 'fastify'
import latchkey from 'latchkey'
import { PrismaClient } from './generated/client.js'

const minute = 60_000

/**
 * An app for notes that only their owner sees. Its own Prisma has the notes in the schema `public` of a database, and
 * Latchkey has the accounts in the schema `latchkey` of the same one.
 */
export async function buildApp(databaseUrl: string, rootSecret: string) {
  const app = Fastify()
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: databaseUrl }) })
  app.addHook('onClose', () => prisma.$disconnect())

  await app.register(latchkey, {
    prefix: '/auth',
    databaseUrl,
    rootSecret: [rootSecret],
    issuer: 'http://localhost:3000/auth',
    cookieSecure: false
  })

  const { authenticate } = app.latchkey

  app.get('/notes', { preHandler: authenticate }, async ({ auth }) => ({
    notes: await prisma.note.findMany({ where: { userId: auth.userId }, select: { id: true, text: true } })
  }))

  app.post<{ Body: { text: string } }>('/notes', { preHandler: authenticate }, async ({ auth, body }, reply) => {
    const { userId: id } = auth
    await prisma.user.upsert({ where: { id }, create: { id }, update: {} })
    await prisma.note.create({ data: { userId: id, text: body.text } })
    return reply.code(201).send()
  })

  /** Removes what belongs to accounts that Latchkey has deleted. It can run at any time, and on each instance. */
  const removeDeleted = () =>
    prisma.$executeRaw`
      DELETE FROM "user" mine WHERE NOT EXISTS (SELECT 1 FROM latchkey."user" theirs WHERE theirs.id = mine.id)`

  const timer = setInterval(() => removeDeleted().catch((error) => app.log.error(error)), minute)
  app.addHook('onClose', async () => clearInterval(timer))

  return { app, removeDeleted }
}
