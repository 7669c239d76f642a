import type { Profile } from '../../core/profile.js'
import type { Ports, User } from '../../ports/index.js'
import { Refused } from '../refused.js'

/** One user; refuses with `not_found` if there is none of this id. */
export async function readUser(ports: Pick<Ports, 'users'>, id: string): Promise<User> {
  const user = await ports.users.find(id)
  if (user === undefined) throw new Refused('not_found')
  return user
}

/** One user with the profile, which lists of users leave out. */
export interface UserDetails extends User {
  readonly profile: Profile
}

/** One user with the profile; refuses with `not_found` if there is none of this id. */
export async function readUserDetails(ports: Pick<Ports, 'users'>, id: string): Promise<UserDetails> {
  const [user, profile] = await Promise.all([readUser(ports, id), ports.users.findProfile(id)])
  // The user was deleted between the two reads.
  if (profile === undefined) throw new Refused('not_found')
  return { ...user, profile }
}
