import Fastify, { type FastifyInstance } from 'fastify'
import latchkey from 'latchkey'

/** An app for notes that only their owner sees. Latchkey's routes are under /auth. */
export async function buildApp(dataDir: string): Promise<FastifyInstance> {
  const app = Fastify()

  await app.register(latchkey, {
    prefix: '/auth',
    dataDir,
    issuer: 'http://localhost:3000/auth',
    cookieSecure: false,
    adminEmail: 'ops@example.com',
    adminPassword: 'correct horse battery staple'
  })

  const notes = new Map<string, string[]>()

  const { authenticate, requireRole, sessions } = app.latchkey

  app.get('/notes', { preHandler: authenticate }, async ({ auth }) => ({ notes: notes.get(auth.userId) ?? [] }))

  app.post<{ Body: { text: string } }>('/notes', { preHandler: authenticate }, async ({ auth, body }, reply) => {
    notes.set(auth.userId, [...(notes.get(auth.userId) ?? []), body.text])
    return reply.code(201).send()
  })

  app.delete<{ Params: { userId: string } }>(
    '/people/:userId/sessions',
    { preHandler: [authenticate, requireRole('admin')] },
    async ({ params }) => ({
      ended: await sessions.endSessionsOfUser(params.userId, 'asked for by phone')
    })
  )

  return app
}
