import { addClientSecret, createClient } from '../../../service/admin/create-client.js'
import { deleteClient, deleteClientSecret } from '../../../service/admin/delete-client.js'
import { listClients } from '../../../service/admin/listings.js'
import type { Routes } from '../../context.js'
import { actorOf } from '../../credentials.js'
import { describe } from '../../describe.js'
import {
  ClientParams,
  ClientsPage,
  ClientsQuery,
  clientView,
  NewClientBody,
  NewSecretResponse,
  newSecretView,
  SecretParams
} from '../../schemas/admin/clients.js'
import { EmptyResponse, pageOf } from '../../schemas/shared.js'

/** GET, POST /admin/clients, DELETE /admin/clients/:id, and the secrets of a client. */
export const adminClientRoutes: Routes = (app, { ports }) => {
  app.get(
    '/admin/clients',
    describe({ summary: 'Machine clients, newest first', querystring: ClientsQuery, response: { 200: ClientsPage } }),
    async (request) => {
      const { items, nextCursor } = await listClients(ports, pageOf(request.query))
      return { clients: items.map(clientView), next_cursor: nextCursor }
    }
  )

  app.post(
    '/admin/clients',
    describe({
      summary: 'Create a machine client',
      description: 'It gets access tokens from `POST /token` with its id and the secret, which only this response has.',
      body: NewClientBody,
      response: { 201: NewSecretResponse }
    }),
    async (request, reply) => {
      const { name, scopes } = request.body
      const created = await createClient(ports, { name, scopes }, actorOf(request))
      reply.code(201)
      return newSecretView(created)
    }
  )

  app.post(
    '/admin/clients/:id/secrets',
    describe({
      summary: 'Add a second secret to a client',
      description: 'Both are accepted until one is deleted, so that machines can change over one by one.',
      params: ClientParams,
      response: { 201: NewSecretResponse },
      problems: ['too_many_secrets']
    }),
    async (request, reply) => {
      const added = await addClientSecret(ports, request.params.id, actorOf(request))
      reply.code(201)
      return newSecretView(added)
    }
  )

  app.delete(
    '/admin/clients/:id/secrets/:secret_id',
    describe({
      summary: 'Delete a secret of a client',
      description: 'All tokens that were obtained with it are refused at once, on every instance and verifier.',
      params: SecretParams,
      response: { 204: EmptyResponse }
    }),
    async (request, reply) => {
      const { id: clientId, secret_id: secretId } = request.params
      await deleteClientSecret(ports, { clientId, secretId }, actorOf(request))
      return reply.code(204).send()
    }
  )

  app.delete(
    '/admin/clients/:id',
    describe({
      summary: 'Delete a client and its secrets',
      description: 'All its tokens are refused at once, on every instance and verifier.',
      params: ClientParams,
      response: { 204: EmptyResponse }
    }),
    async (request, reply) => {
      await deleteClient(ports, request.params.id, actorOf(request))
      return reply.code(204).send()
    }
  )
}
