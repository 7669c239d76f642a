import { introspect } from '../../../service/clients/introspect.js'
import type { Routes } from '../../context.js'
import { describe } from '../../describe.js'
import { IntrospectionResponse, introspectionView, TokenForm } from '../../schemas/services/introspect.js'
import { formType } from './form-body.js'

/** POST /introspect (RFC 7662). */
export const introspectRoutes: Routes = (app, { ports }) => {
  app.post(
    '/introspect',
    describe({
      summary: 'Whether a token is valid now, and its claims',
      description: 'For access, refresh and session tokens. Introspection changes nothing.',
      consumes: [formType],
      body: TokenForm,
      response: { 200: IntrospectionResponse }
    }),
    async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return introspectionView(await introspect(ports, request.body.token))
    }
  )
}
