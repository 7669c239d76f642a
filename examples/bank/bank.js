import Fastify from 'fastify'
import latchkey from 'latchkey'

/** A transfer needs a login that is at most this many seconds old. */
const freshFor = 5

/** Each login gives one short access token, which cannot be renewed. */
export async function buildBank(options) {
  const app = Fastify()
  await app.register(latchkey, { prefix: '/auth', modes: ['access'], accessTokenTtlSeconds: 10, ...options })

  const { authenticate, requireRecentLogin } = app.latchkey
  app.get('/balance', { preHandler: authenticate }, async () => ({ cents: 123_456 }))
  app.post('/transfers', { preHandler: [authenticate, requireRecentLogin(freshFor)] }, async (request, reply) =>
    reply.code(201).send({ from: request.auth.userId })
  )
  return app
}
