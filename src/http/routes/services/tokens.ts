import { introspect } from '../../../service/clients/introspect.js'
import { revokeToken } from '../../../service/clients/revoke-token.js'
import type { Routes } from '../../context.js'
import { actorOf } from '../../credentials.js'
import { describe } from '../../describe.js'
import { IntrospectionResponse, introspectionView, TokenForm } from '../../schemas/services/tokens.js'
import { EmptyResponse } from '../../schemas/shared.js'
import { formType } from './form-body.js'

/** POST /introspect (RFC 7662) and POST /revoke (RFC 7009). */
export const tokenRoutes: Routes = (app, { ports }) => {
  app.post(
    '/introspect',
    describe({
      summary: 'Whether a token is valid now, and its claims',
      description: 'For access, refresh and session tokens. Introspection changes nothing.',
      consumes: [formType],
      body: TokenForm,
      response: { 200: IntrospectionResponse }
    }),
    async (request) => introspectionView(await introspect(ports, request.body.token))
  )

  app.post(
    '/revoke',
    describe({
      summary: 'End the session of a token',
      description:
        'No token of that session is accepted any more. Also answers 200 for an unknown token or an ended session.',
      consumes: [formType],
      body: TokenForm,
      response: { 200: EmptyResponse }
    }),
    async (request, reply) => {
      await revokeToken(ports, request.body.token, actorOf(request))
      return reply.send()
    }
  )
}
