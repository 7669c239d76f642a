import type { Static } from 'typebox'
import { introspect } from '../../../service/clients/introspect.js'
import type { Routes } from '../../context.js'
import { describe } from '../../describe.js'
import { formType, takeForms } from '../../form-body.js'
import { IntrospectionResponse, TokenForm } from '../../schemas/index.js'
import { serviceGuard } from '../../service-credentials.js'

/** POST /introspect (RFC 7662). */
export const introspectRoutes: Routes = (app, { ports, settings }) => {
  app.register(async (scope) => {
    takeForms(scope)
    scope.post<{ Body: Static<typeof TokenForm> }>(
      '/introspect',
      {
        onRequest: serviceGuard(settings),
        schema: describe({
          summary: 'Whether a token would be accepted now, and what it says',
          description: 'For access, refresh and session tokens. Asking changes nothing.',
          tag: 'discovery',
          forServices: true,
          consumes: [formType],
          body: TokenForm,
          response: { 200: IntrospectionResponse },
          problems: ['invalid_request', 'body_too_large', 'unsupported_media_type', 'unavailable']
        })
      },
      async (request, reply): Promise<Static<typeof IntrospectionResponse>> => {
        reply.header('cache-control', 'no-store')
        const token = await introspect(ports, request.body.token)
        if (token === undefined) return { active: false }
        const { tokenType, amr, roles, ...claims } = token
        return { active: true, token_type: tokenType, ...claims, amr: [...amr], roles: [...roles] }
      }
    )
  })
}
