import type { Auth } from '../../core/access-claims.js'
import type { JsonObject } from '../../core/merge-patch.js'
import { faultOfProfile, type Profile } from '../../core/profile.js'
import type { Actor, Ports } from '../../ports/index.js'
import { Refused } from '../refused.js'
import { patching } from './documents.js'

/** The profile of the signed-in user. */
export async function readProfile({ users }: Pick<Ports, 'users'>, { userId }: Auth): Promise<Profile> {
  return (await users.findProfile(userId)) ?? refuseEnded()
}

/**
 * Changes the profile of the signed-in user by a JSON merge patch (RFC 7396), and returns it. No simultaneous patch is
 * lost. Refuses with `invalid_request`, and changes nothing, if the result would not be a profile.
 */
export async function patchProfile(
  { users }: Pick<Ports, 'users'>,
  { userId }: Auth,
  patch: JsonObject,
  actor: Actor
): Promise<Profile> {
  const changed = await users.changeProfile(userId, patching(patch, faultOfProfile), actor)
  return changed ?? refuseEnded()
}

/** The account was deleted while the request was on its way. */
function refuseEnded(): never {
  throw new Refused('session_revoked')
}
