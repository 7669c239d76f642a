import { isClientSecret } from '../../core/clients.js'
import { clientGuessLimit } from '../../core/rate-limits.js'
import { clientNetwork } from '../../network-address.js'
import type { AuthenticatedClient, ClientResolver, Ports } from '../../ports/index.js'
import { counted, type LimitPorts } from '../limits.js'

export interface ClientCredential {
  readonly clientId: string
  readonly secret: string
}

export type AuthenticateClientPorts = LimitPorts & Pick<Ports, 'digest' | 'decisions'>

/**
 * The client that has this secret; undefined for any other credential, whatever is wrong with it. Wrong secrets count
 * against the network of `ip`. `resolver` says where the client is looked up.
 */
export async function authenticateClient(
  ports: AuthenticateClientPorts,
  resolver: ClientResolver,
  { clientId, secret }: ClientCredential,
  ip: string | undefined
): Promise<AuthenticatedClient | undefined> {
  const note = (outcome: 'invalid_client' | 'limited') =>
    ports.decisions.note('client_token', outcome, { clientId, ip })
  const client = await counted(
    ports,
    [{ limit: clientGuessLimit, key: clientNetwork(ip ?? '') }],
    async () => (isClientSecret(secret) ? resolver.authenticate(clientId, ports.digest(secret)) : undefined),
    (found) => found === undefined,
    () => note('limited')
  )
  if (client === undefined) note('invalid_client')
  return client
}
