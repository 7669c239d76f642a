import type { Auth } from '../../core/access-claims.js'
import { isJsonObject, type JsonObject, mergePatch } from '../../core/merge-patch.js'
import { faultOfPatch, faultOfProfile, type Profile, type ProfileFault } from '../../core/profile.js'
import type { Actor, Ports } from '../../ports/index.js'
import { Refused } from '../refused.js'

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
  refuse(faultOfPatch(patch))
  const change = (profile: Profile) => {
    const merged = mergePatch(profile, patch)
    if (!isJsonObject(merged)) throw new Error('A patch that is an object makes an object.')
    refuse(faultOfProfile(merged))
    return merged
  }
  const changed = await users.changeProfile(userId, change, actor)
  return changed ?? refuseEnded()
}

function refuse(fault: ProfileFault | undefined): void {
  if (fault !== undefined) throw new Refused('invalid_request', { errors: [fault] })
}

/** The account was deleted while the request was on its way. */
function refuseEnded(): never {
  throw new Refused('session_revoked')
}
