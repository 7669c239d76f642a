import type { Json, JsonObject } from './merge-patch.js'
import { utf8Length } from './password-policy.js'

/** The maximum length of a profile, and of attributes, as JSON in UTF-8. */
export const maxDocumentBytes = 8 * 1024

/** How deep objects and arrays can be nested. */
export const maxDocumentDepth = 20

/** What is wrong with a member of a document, or of a patch. */
export interface DocumentFault {
  readonly field: string
  readonly message: string
}

/** Finds a reason why the members of a document or a patch cannot be stored; undefined if there is none. */
export function faultOfMembers(members: JsonObject): DocumentFault | undefined {
  for (const [name, value] of Object.entries(members)) {
    const message = faultOfName(name) ?? faultOfValue(value, maxDocumentDepth - 1)
    if (message !== undefined) return { field: name, message }
  }
  return undefined
}

/** The length of a JSON value in UTF-8. */
export const jsonBytes = (value: Json): number => utf8Length(JSON.stringify(value))

function faultOfValue(value: Json, depth: number): string | undefined {
  if (typeof value === 'string') return faultOfText(value)
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'has a number that is too large'
  if (value === null || typeof value === 'boolean') return undefined
  if (depth === 0) return `is nested deeper than ${maxDocumentDepth} levels`
  for (const [name, member] of Object.entries(value)) {
    const message = faultOfName(name) ?? faultOfValue(member, depth - 1)
    if (message !== undefined) return message
  }
  return undefined
}

/** A member `__proto__` would change the prototype of an object to which a program assigns the members. */
const faultOfName = (name: string) => (name === '__proto__' ? 'has a member __proto__' : faultOfText(name))

/** PostgreSQL's `jsonb` can store neither the character NUL nor a single surrogate. */
const faultOfText = (text: string) =>
  /[\0\p{Surrogate}]/u.test(text) ? 'has a character that cannot be stored' : undefined
