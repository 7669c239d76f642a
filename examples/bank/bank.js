import Fastify from 'fastify'
import latchkey from 'latchkey'

/** How long ago somebody may have typed their password to move money, in seconds. */
const freshFor = 5

/** A bank: one short access token for each login, and nothing to renew it with. */
export async function buildBank(options) {
  const app = Fastify({ pluginTimeout: 60_000 })
  await app.register(latchkey, { prefix: '/auth', modes: ['access'], accessTokenTtlSeconds: 10, ...options })

  app.get('/balance', { preHandler: app.authenticate }, async () => ({ cents: 123_456 }))
  app.post('/transfers', { preHandler: [app.authenticate, requireFreshLogin] }, async (request, reply) =>
    reply.code(201).send({ from: request.auth.userId })
  )
  return app
}

/** Step-up: `authTime` is when the password was typed. */
async function requireFreshLogin(request, reply) {
  if (Date.now() / 1000 - request.auth.authTime > freshFor) return reply.code(403).send({ code: 'login_too_old' })
}
