import Fastify from 'fastify'
import verifier from 'latchkey/verifier'

/** A service that accepts the access tokens of a Latchkey elsewhere. `options` are those of its verifier. */
export async function buildReports(options) {
  const app = Fastify()
  await app.register(verifier, options)
  const { authenticate, requireRole, requireScope } = app.latchkey
  app.get('/reports', { preHandler: authenticate }, async ({ auth }) => ({ for: auth.userId, plan: auth.claims.plan }))
  app.get('/ops', { preHandler: [authenticate, requireRole('admin')] }, async () => 'for admins only')
  app.get('/export', { preHandler: requireScope('reports:read') }, async () => 'for machines only')
  return app
}
