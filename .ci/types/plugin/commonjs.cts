/** A host of CommonJS modules. */
export async function build(dataDir: string) {
  const { default: Fastify } = await import('fastify')
  const { default: latchkey } = await import('latchkey')
  const app = Fastify()
  await app.register(latchkey, { prefix: '/auth', issuer: 'http://localhost:8080/auth', dataDir })
  app.get('/reports', { preHandler: app.latchkey.authenticate }, async (request) => ({ for: request.auth.userId }))
  return app
}

export async function remote() {
  const { default: Fastify } = await import('fastify')
  const { default: verifier } = await import('latchkey/verifier')
  const { createAuthClient } = await import('latchkey/client')
  const app = Fastify()
  await app.register(verifier, { issuer: process.env.ISSUER, audience: process.env.ISSUER })
  return { app, client: createAuthClient({ baseURL: 'http://localhost:8080/auth' }) }
}
