import type { Actor, Ports } from '../../ports/index.js'
import { Refused } from '../refused.js'

type DeletePorts = Pick<Ports, 'clients' | 'revocations'>

/** Deletes a machine client and its secrets. All its tokens are refused at once, on every instance and verifier. */
export async function deleteClient(ports: DeletePorts, clientId: string, actor: Actor): Promise<void> {
  const revocations = await ports.clients.delete(clientId, actor)
  if (revocations === undefined) throw new Refused('not_found')
  await ports.revocations.announce(revocations)
}

/** Deletes one secret of a machine client. All tokens that were obtained with it are refused at once, everywhere. */
export async function deleteClientSecret(
  ports: DeletePorts,
  { clientId, secretId }: { readonly clientId: string; readonly secretId: string },
  actor: Actor
): Promise<void> {
  const revocation = await ports.clients.deleteSecret(clientId, secretId, actor)
  if (revocation === undefined) throw new Refused('not_found')
  await ports.revocations.announce([revocation])
}
