import { type Static, Type } from 'typebox'
import { revokeToken } from '../../../service/clients/revoke-token.js'
import { actorOf, type Routes } from '../../context.js'
import { describe } from '../../describe.js'
import { formType, takeForms } from '../../form-body.js'
import { TokenForm } from '../../schemas/index.js'
import { serviceGuard } from '../../service-credentials.js'

/** POST /revoke (RFC 7009). */
export const revokeRoutes: Routes = (app, { ports, settings }) => {
  app.register(async (scope) => {
    takeForms(scope)
    scope.post<{ Body: Static<typeof TokenForm> }>(
      '/revoke',
      {
        onRequest: serviceGuard(settings),
        schema: describe({
          summary: 'End the session of a token',
          description: 'With all its tokens. Also 200 for a token that is unknown or has ended.',
          tag: 'discovery',
          forServices: true,
          consumes: [formType],
          body: TokenForm,
          response: { 200: Type.Null({ description: 'No token of that session is accepted any more.' }) },
          problems: ['invalid_request', 'body_too_large', 'unsupported_media_type', 'unavailable']
        })
      },
      async (request, reply) => {
        await revokeToken(ports, request.body.token, actorOf(request))
        return reply.header('cache-control', 'no-store').send()
      }
    )
  })
}
