import Fastify from 'fastify'
import verifier from 'latchkey/verifier'

/** A service that knows only Latchkey's address and a credential for its feed of revocations. */
export async function buildService(issuer, secret) {
  const app = Fastify()
  await app.register(verifier, { issuer, audience: issuer, feed: { credential: { id: 'example', secret } } })

  app.get('/reports', { preHandler: app.authenticate }, async ({ auth }) => ({ for: auth.userId }))
  app.get('/ops', { preHandler: [app.authenticate, app.requireRole('admin')] }, async () => 'for admins only')

  return app
}
