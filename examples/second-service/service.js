import Fastify from 'fastify'
import verifier from 'latchkey/verifier'

/** A service that knows only Latchkey's address and a credential for its feed of revocations. */
export async function buildService(issuer, secret) {
  const app = Fastify()
  await app.register(verifier, { issuer, audience: issuer, feed: { credential: { id: 'example', secret } } })

  const { authenticate, requireRole } = app.latchkey
  app.get('/reports', { preHandler: authenticate }, async ({ auth }) => ({ for: auth.userId }))
  app.get('/ops', { preHandler: [authenticate, requireRole('admin')] }, async () => 'for admins only')

  return app
}
