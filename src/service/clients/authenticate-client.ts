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
 * The client that has this secret; undefined for any other credential, whatever is wrong with it. `resolver` says where
 * the client is looked up. Every text that can be a secret is looked up, so wrong ones, which count against the network of
 * `ip`, never keep a right one out. A wrong one costs one read of an index, and none if it has not the form of a secret.
 */
export async function authenticateClient(
  ports: AuthenticateClientPorts,
  resolver: ClientResolver,
  { clientId, secret }: ClientCredential,
  ip: string | undefined
): Promise<AuthenticatedClient | undefined> {
  const note = (outcome: 'invalid_client' | 'limited') =>
    ports.decisions.note('client_token', outcome, { clientId, ip })
  const canBeRight = isClientSecret(secret)
  const client = canBeRight ? await resolver.authenticate(clientId, ports.digest(secret)) : undefined
  if (client !== undefined) return client
  if (canBeRight) await countMiss(ports, clientNetwork(ip ?? ''), () => note('limited'))
  note('invalid_client')
  return undefined
}

async function countMiss(ports: LimitPorts, network: string, onLimited: () => void): Promise<void> {
  const use = { limit: clientGuessLimit, key: network }
  const work = async () => undefined
  const staysCounted = () => true
  await counted(ports, [use], work, staysCounted, onLimited)
}
