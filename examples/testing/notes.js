import Fastify from 'fastify'
import latchkey from 'latchkey'

/** An app with the Latchkey plugin. Its tests set the options that differ from production, such as `dataDir`. */
export async function buildNotes(options = {}) {
  const app = Fastify()
  await app.register(latchkey, { prefix: '/auth', issuer: 'http://localhost:3000/auth', ...options })

  const { authenticate, requireRole, requireRecentLogin, requireScope, clientOf } = app.latchkey
  const notes = new Map()

  app.get('/notes', { preHandler: authenticate }, async ({ auth }) => notes.get(auth.userId) ?? [])
  app.post('/notes', { preHandler: authenticate }, async ({ auth, body }, reply) => {
    notes.set(auth.userId, [...(notes.get(auth.userId) ?? []), body.text])
    return reply.code(201).send()
  })
  app.delete('/notes', { preHandler: [authenticate, requireRecentLogin(300)] }, async ({ auth }) => {
    notes.delete(auth.userId)
    return {}
  })
  app.get('/count', { preHandler: [authenticate, requireRole('admin')] }, async () => ({ people: notes.size }))
  app.get('/export', { preHandler: requireScope('notes:read') }, async (request) => ({
    for: clientOf(request).clientId,
    notes: [...notes.values()].flat()
  }))
  return app
}
