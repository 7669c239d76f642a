import { faultOfAttributes } from '../../core/attributes.js'
import type { JsonObject } from '../../core/merge-patch.js'
import type { Actor, Ports, User } from '../../ports/index.js'
import { requireExternalId } from '../accounts/account-rules.js'
import { patching } from '../accounts/documents.js'
import { Refused } from '../refused.js'

/** What to change of a user; what is undefined stays. */
export interface UserChange {
  readonly disabled?: boolean | undefined
  readonly roles?: readonly string[] | undefined
  /** A JSON merge patch of the attributes (RFC 7396). */
  readonly attributes?: JsonObject | undefined
  /** The id by which the host knows the person; null removes it. Only the host's own code changes it. */
  readonly externalId?: string | null | undefined
}

/**
 * Changes a user's roles, disabled flag, attributes and external id, all or nothing. Access tokens with other roles or
 * attributes, issued before, are refused from now on. A person whose account is disabled gets a notice. Refuses with
 * `invalid_request` if the result would not be attributes, or the text is no external id.
 */
export async function updateUser(
  ports: Pick<Ports, 'users' | 'revocations' | 'mail' | 'policy'>,
  id: string,
  { disabled, roles, attributes, externalId }: UserChange,
  actor: Actor
): Promise<User> {
  if (typeof externalId === 'string') requireExternalId(externalId)
  const faultOf = (changed: JsonObject) => faultOfAttributes(changed, ports.policy.tokenAttributes)
  const change = { disabled, roles, attributes: attributes && patching(attributes, faultOf), externalId }
  const updated = await ports.users.update(id, change, actor)
  if (updated === undefined) throw new Refused('not_found')
  if (typeof updated === 'string') throw new Refused(updated)
  if (disabled) ports.mail.wake()
  await ports.revocations.announce(updated.revocations)
  return updated.user
}
