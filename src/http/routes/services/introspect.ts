import { introspect } from '../../../service/clients/introspect.js'
import type { Routes } from '../../context.js'
import { describe } from '../../describe.js'
import { IntrospectionResponse, introspectionView, TokenForm } from '../../schemas/services/tokens.js'
import { formType } from './form-body.js'

/** POST /introspect (RFC 7662). */
export const introspectRoutes: Routes = (app, { ports }) => {
  app.post(
    '/introspect',
    describe({
      summary: 'Whether a token is valid now, and its claims',
      description:
        'For access, refresh and session tokens, and the tokens of machine clients. Introspection changes nothing.',
      consumes: [formType],
      body: TokenForm,
      response: { 200: IntrospectionResponse }
    }),
    async (request) => introspectionView(await introspect(ports, request.body.token))
  )
}
