import type { Actor, Ports } from '../../ports/index.js'
import { Refused } from '../refused.js'

/** Deletes a user and all their sessions. */
export async function deleteUser(ports: Pick<Ports, 'users' | 'revocations'>, id: string, actor: Actor): Promise<void> {
  const revocations = await ports.users.delete(id, 'revoked_by_admin', actor)
  if (revocations === undefined) throw new Refused('not_found')
  if (revocations === 'last_admin') throw new Refused(revocations)
  await ports.revocations.announce(revocations)
}
