import { revokeToken } from '../../../service/clients/revoke-token.js'
import type { Routes } from '../../context.js'
import { actorOf } from '../../credentials.js'
import { describe } from '../../describe.js'
import { TokenForm } from '../../schemas/services/tokens.js'
import { EmptyResponse } from '../../schemas/shared.js'
import { formType } from './form-body.js'

/** POST /revoke (RFC 7009). */
export const revokeRoutes: Routes = (app, { ports }) => {
  app.post(
    '/revoke',
    describe({
      summary: 'End the session of a token',
      description:
        'No token of that session is accepted any more. Also answers 200 for an unknown token or an ended session. The token of a machine client cannot be revoked alone: delete its secret.',
      consumes: [formType],
      body: TokenForm,
      response: { 200: EmptyResponse },
      problems: ['unsupported_token_type']
    }),
    async (request, reply) => {
      await revokeToken(ports, request.body.token, actorOf(request))
      return reply.send()
    }
  )
}
