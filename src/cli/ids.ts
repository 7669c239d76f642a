import { readEmail } from '../core/email.js'
import { uuidPattern } from '../core/vocabulary.js'
import type { Ports } from '../ports/index.js'
import { Refused } from '../service/refused.js'

/** Reads an id; refuses any other text with `not_found`. */
export function requireId(text: string): string {
  const id = text.trim().toLowerCase()
  if (!new RegExp(`^${uuidPattern}$`).test(id)) throw new Refused('not_found')
  return id
}

/** Finds a user's id by e-mail address. An id is returned as it is, so that deleted users can be named too. */
export async function findUserId(ports: Pick<Ports, 'users'>, text: string): Promise<string> {
  const email = readEmail(text)
  if (email === undefined) return requireId(text)
  const user = await ports.users.findByEmail(email)
  if (user === undefined) throw new Refused('not_found')
  return user.id
}
