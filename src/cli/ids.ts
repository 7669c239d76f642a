import { readEmail } from '../core/email.js'
import { uuidPattern } from '../core/vocabulary.js'
import type { Ports } from '../ports/index.js'
import { Refused } from '../service/refused.js'

/** The id that `text` is; refuses with `not_found` what can be nobody's id. */
export function requireId(text: string): string {
  const id = text.trim().toLowerCase()
  if (!new RegExp(`^${uuidPattern}$`).test(id)) throw new Refused('not_found')
  return id
}

/** The id of a user by their e-mail address, or the id itself: it may be one of a user who has gone. */
export async function findUserId(ports: Pick<Ports, 'users'>, text: string): Promise<string> {
  const email = readEmail(text)
  if (email === undefined) return requireId(text)
  const user = await ports.users.findByEmail(email.key)
  if (user === undefined) throw new Refused('not_found')
  return user.id
}
