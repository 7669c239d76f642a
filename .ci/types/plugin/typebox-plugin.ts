import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import latchkey, { type Auth } from 'latchkey'

/** Routes in a plugin of the host, typed as TypeBox types them. */
export const withTypeBox: FastifyPluginAsyncTypebox = async (app) => {
  const { authenticate, requireRole } = app.latchkey
  const querystring = Type.Object({ page: Type.Integer() })
  app.addHook('preHandler', authenticate)
  app.get('/things', { schema: { querystring }, preHandler: requireRole('admin') }, async (request) => {
    const page: number = request.query.page
    const { userId, roles }: Auth = request.auth
    return { page, userId, roles }
  })
}

export const hostWithTypeBox = Fastify().register(latchkey, { issuer: 'http://localhost:8080' }).register(withTypeBox)
