import type { FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { uuidOfClient } from '../../../core/clients.js'
import { authenticateClient, type ClientCredential } from '../../../service/clients/authenticate-client.js'
import { issueClientToken } from '../../../service/clients/issue-client-token.js'
import { Refused } from '../../../service/refused.js'
import { clientAddress } from '../../client-address.js'
import { partsOf, readBasic } from '../../clients/basic-credentials.js'
import type { Routes } from '../../context.js'
import { describe } from '../../describe.js'
import { ClientTokenResponse, clientTokenView, TokenRequestForm } from '../../schemas/services/token.js'
import { formType } from './form-body.js'

type Form = Static<typeof TokenRequestForm>

/** POST /token (RFC 6749 §4.4): an access token for a machine client. */
export const tokenRoutes: Routes = (app, { ports }) => {
  app.post(
    '/token',
    describe({
      summary: 'An access token for a machine client',
      description:
        'The grant `client_credentials` of RFC 6749 §4.4. The client sends its id and secret by HTTP Basic or in the form.',
      tag: 'clients',
      security: [{ client_secret: [] }, {}],
      consumes: [formType],
      body: TokenRequestForm,
      response: { 200: ClientTokenResponse },
      problems: ['unsupported_grant_type', 'invalid_client', 'invalid_scope', 'too_many_requests', 'unavailable'],
      answersTokenErrors: true
    }),
    async (request) => {
      const { grant_type: grantType, scope, ...form } = withoutEmpty(request.body)
      if (grantType === undefined) {
        throw new Refused('invalid_request', { errors: [{ field: 'grant_type', message: 'is required' }] })
      }
      if (grantType !== 'client_credentials') throw new Refused('unsupported_grant_type')
      const credential = presentedCredential(request, form)
      const client = credential && (await authenticateClient(ports, ports.clients, credential, clientAddress(request)))
      if (client === undefined) throw new Refused('invalid_client', { scheme: 'Basic' })
      return clientTokenView(await issueClientToken(ports, client, scope))
    }
  )
}

/** A parameter without a value counts as left out (RFC 6749 §3.2). */
function withoutEmpty(form: Form): Form {
  return Object.fromEntries(Object.entries(form).filter(([, value]) => value !== ''))
}

/**
 * The credential of the client; undefined if there is none of the right form. Two at once are refused (RFC 6749 §2.3), but
 * the form may repeat the id.
 */
function presentedCredential({ headers }: FastifyRequest, form: Form): ClientCredential | undefined {
  const { client_id: clientId, client_secret: secret } = form
  if (headers.authorization === undefined) return clientId && secret ? { clientId, secret } : undefined
  if (secret !== undefined) throw twoCredentials('The secret came both in the header and in the form.')
  const readings = readBasic(headers.authorization).map(partsOf)
  const [id, inHeader] = readings.find(([id]) => uuidOfClient(id) !== undefined) ?? []
  if (id === undefined || inHeader === undefined) return undefined
  if (clientId !== undefined && clientId !== id) throw twoCredentials('The header and the form name two clients.')
  return { clientId: id, secret: inHeader }
}

function twoCredentials(detail: string): Refused {
  return new Refused('invalid_request', { detail })
}
