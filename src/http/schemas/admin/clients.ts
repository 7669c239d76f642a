import { type Static, Type } from 'typebox'
import { maxClientName } from '../../../core/clients.js'
import { maxScopes } from '../../../core/scopes.js'
import type { Client } from '../../../ports/index.js'
import type { ClientWithSecret } from '../../../service/admin/create-client.js'
import { id, line, nextCursor, nullable, page, query, requestId, text, time, timeView } from '../shared.js'

export const ClientsQuery = query(page)

const clientId = Type.String({ maxLength: 64, description: 'The id of a client. It begins with `client_`.' })
export const ClientParams = Type.Object({ id: clientId })
export const SecretParams = Type.Object({ id: clientId, secret_id: requestId })

export const NewClientBody = Type.Object({
  name: line(1, maxClientName, 'For people.'),
  scopes: Type.Array(
    text(64, 'RFC 6749 §3.3. `latchkey:introspect`, `latchkey:revoke` and `latchkey:feed` are ours.'),
    {
      minItems: 1,
      maxItems: maxScopes,
      uniqueItems: true
    }
  )
})

export const ClientResponse = Type.Object({
  id,
  name: Type.String(),
  scopes: Type.Array(Type.String()),
  created_at: time,
  secrets: Type.Array(
    Type.Object({
      id: Type.String({ ...id, description: 'The `sid` of the tokens that were obtained with this secret.' }),
      hint: Type.String({ description: 'The end of the secret.' }),
      created_at: time,
      last_used_at: nullable(Type.String({ format: 'date-time', description: 'Within an hour.' }))
    }),
    { description: 'Newest first, at most two.' }
  )
})
export const ClientsPage = Type.Object({ clients: Type.Array(ClientResponse), next_cursor: nextCursor })

export const NewSecretResponse = Type.Object({
  ...ClientResponse.properties,
  secret_id: id,
  secret: Type.String({ description: 'Only this response ever has it.' })
})

export function clientView({ id, name, scopes, createdAt, secrets }: Client): Static<typeof ClientResponse> {
  return {
    id,
    name,
    scopes: [...scopes],
    created_at: timeView(createdAt),
    secrets: secrets.map(({ id, hint, createdAt, lastUsedAt }) => ({
      id,
      hint,
      created_at: timeView(createdAt),
      last_used_at: lastUsedAt === null ? null : timeView(lastUsedAt)
    }))
  }
}

export function newSecretView({ client, secretId, secret }: ClientWithSecret): Static<typeof NewSecretResponse> {
  return { ...clientView(client), secret_id: secretId, secret }
}
