import { type DocumentFault, jsonBytes, maxDocumentBytes } from './json-document.js'
import type { JsonObject } from './merge-patch.js'

/** What admins and the host keep about a person, such as a plan or a tenant. The person cannot change it. */
export type Attributes = JsonObject

/** The maximum length of the attributes in an access token, as JSON in UTF-8. */
export const maxTokenAttributesBytes = 1024

/** Finds a mistake in whole attributes, of which those named in `inToken` go into access tokens; undefined if none. */
export function faultOfAttributes(attributes: Attributes, inToken: readonly string[]): DocumentFault | undefined {
  if (jsonBytes(attributes) > maxDocumentBytes) {
    return { field: 'attributes', message: `would make the attributes longer than ${maxDocumentBytes} bytes` }
  }
  const { left } = attributesInToken(attributes, inToken)
  if (left.length > 0) {
    return {
      field: 'attributes',
      message: `would make those in access tokens (${inToken.join(', ')}) longer than ${maxTokenAttributesBytes} bytes`
    }
  }
  return undefined
}

/** The attributes for an access token, and the names of those that had to be left out of it. */
export interface TokenAttributes {
  readonly taken: Attributes
  readonly left: readonly string[]
}

/**
 * Takes the attributes `names` of a user, in that order, as long as they fit into an access token. One that does not fit
 * is left out: it was written before `TOKEN_ATTRIBUTES` named it.
 */
export function attributesInToken(attributes: Attributes, names: readonly string[]): TokenAttributes {
  let taken: Attributes = {}
  const left: string[] = []
  for (const name of names) {
    if (!Object.hasOwn(attributes, name)) continue
    const more = { ...taken, [name]: attributes[name] ?? null }
    if (jsonBytes(more) <= maxTokenAttributesBytes) taken = more
    else left.push(name)
  }
  return { taken, left }
}

/** The names of the members that differ between two versions of the attributes. */
export function changedMembers(before: Attributes, after: Attributes): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].filter((name) => textOf(before, name) !== textOf(after, name))
}

const textOf = (attributes: Attributes, name: string) =>
  Object.hasOwn(attributes, name) ? JSON.stringify(attributes[name]) : undefined
