import { clientIdOf, clientSecretBytes, formatClientSecret, hintOfSecret } from '../../core/clients.js'
import { isGrantableScope, serviceScopes } from '../../core/scopes.js'
import type { Actor, Client, NewClientSecret, Ports } from '../../ports/index.js'
import { Refused } from '../refused.js'

/** A client with a new secret, whose text is nowhere else. */
export interface ClientWithSecret {
  readonly client: Client
  readonly secretId: string
  readonly secret: string
}

type CreatePorts = Pick<Ports, 'clients' | 'entropy' | 'digest'>

/** Creates a machine client with its first secret. Refuses a scope that no client can have. */
export async function createClient(
  ports: CreatePorts,
  { name, scopes }: { readonly name: string; readonly scopes: readonly string[] },
  actor: Actor
): Promise<ClientWithSecret> {
  const errors = scopes.flatMap((scope, index) =>
    isGrantableScope(scope) ? [] : [{ field: `scopes.${index}`, message: notGrantable }]
  )
  if (errors.length > 0) throw new Refused('invalid_request', { errors })
  const id = clientIdOf(ports.entropy.uuid())
  const { secret, stored } = newSecret(ports)
  const client = await ports.clients.create({ id, name, scopes: [...new Set(scopes)], secret: stored }, actor)
  return { client, secretId: stored.id, secret }
}

const notGrantable = `must have 1 to 64 characters without spaces, " and \\; of those that begin with latchkey: there are ${serviceScopes.join(', ')}`

/** Adds the second secret, so that machines can change over one by one before the first secret is deleted. */
export async function addClientSecret(ports: CreatePorts, clientId: string, actor: Actor): Promise<ClientWithSecret> {
  const { secret, stored } = newSecret(ports)
  const client = await ports.clients.addSecret(clientId, stored, actor)
  if (client === undefined) throw new Refused('not_found')
  if (client === 'too_many_secrets') throw new Refused(client)
  return { client, secretId: stored.id, secret }
}

function newSecret({ entropy, digest }: CreatePorts): { readonly secret: string; readonly stored: NewClientSecret } {
  const secret = formatClientSecret(entropy.bytes(clientSecretBytes))
  return { secret, stored: { id: entropy.uuid(), hash: digest(secret), hint: hintOfSecret(secret) } }
}
