import Fastify, { type FastifyInstance } from 'fastify'
import latchkey from 'latchkey'

/** An app for notes that only their owner sees. Latchkey's routes are under /auth. */
export async function buildApp(dataDir: string): Promise<FastifyInstance> {
  const app = Fastify({ pluginTimeout: 60_000 })

  await app.register(latchkey, {
    prefix: '/auth',
    dataDir,
    issuer: 'http://localhost:3000/auth',
    cookieSecure: false,
    adminEmail: 'ops@example.com',
    adminPassword: 'correct horse battery staple'
  })

  const notes = new Map<string, string[]>()

  app.get('/notes', { preHandler: app.authenticate }, async ({ auth }) => ({
    notes: notes.get(auth?.userId ?? '') ?? []
  }))

  app.post<{ Body: { text: string } }>('/notes', { preHandler: app.authenticate }, async ({ auth, body }, reply) => {
    if (auth !== null) notes.set(auth.userId, [...(notes.get(auth.userId) ?? []), body.text])
    return reply.code(201).send()
  })

  app.delete<{ Params: { userId: string } }>(
    '/people/:userId/sessions',
    { preHandler: [app.authenticate, app.requireRole('admin')] },
    async ({ params }) => ({ ended: await app.auth.endSessionsOfUser(params.userId, 'asked for by phone') })
  )

  return app
}
