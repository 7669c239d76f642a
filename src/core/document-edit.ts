import { type DocumentFault, faultOfMembers, jsonBytes, maxDocumentBytes } from './json-document.js'
import { isJsonObject, type Json, type JsonObject } from './merge-patch.js'
import { repeatedName } from './repeated-name.js'

/** What is wrong with an edited text: with the member `field`, or with all of it if `field` is undefined. */
export type EditFault = Pick<DocumentFault, 'message'> & { readonly field?: string }

/** Reads a document that a person has edited as text. Finds every fault that can be found without the server. */
export function readEdited(
  text: string
):
  | { readonly document: JsonObject; readonly fault?: never }
  | { readonly document?: never; readonly fault: EditFault } {
  let json: Json
  try {
    json = JSON.parse(text)
  } catch (error) {
    return { fault: { message: `is not JSON: ${(error as SyntaxError).message}` } }
  }
  if (!isJsonObject(json)) return { fault: { message: 'must be an object: begin with { and end with }' } }
  const repeated = repeatedName(text)
  if (repeated !== undefined) return { fault: { field: repeated, message: 'is there twice' } }
  const ofMembers = faultOfMembers(json)
  if (ofMembers !== undefined) return { fault: ofMembers }
  const ofNull = nullMember(json)
  if (ofNull !== undefined) return { fault: { field: ofNull, message: 'is null: leave it out to remove it' } }
  const bytes = jsonBytes(json)
  if (bytes > maxDocumentBytes) {
    return { fault: { message: `has ${bytes} bytes of JSON, and at most ${maxDocumentBytes} fit` } }
  }
  return { document: json }
}

/** The name of a member that is null, at any depth: a merge patch cannot set a member to null. In arrays null is a value. */
function nullMember(object: JsonObject): string | undefined {
  for (const [name, value] of Object.entries(object)) {
    const found = value === null ? name : isJsonObject(value) ? nullMember(value) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * The smallest merge patch that turns `before` into `after`, which `readEdited` has read. It names no member that is the
 * same in both, so a member that another admin changes meanwhile keeps its new value.
 */
export function patchBetween(before: JsonObject, after: JsonObject): JsonObject {
  const removed = Object.keys(before).filter((name) => !Object.hasOwn(after, name))
  const changed = Object.entries(after).flatMap(([name, value]): [string, Json][] => {
    const old = Object.hasOwn(before, name) ? before[name] : undefined
    if (!isJsonObject(old) || !isJsonObject(value)) {
      return JSON.stringify(old) === JSON.stringify(value) ? [] : [[name, value]]
    }
    const inner = patchBetween(old, value)
    return Object.keys(inner).length === 0 ? [] : [[name, inner]]
  })
  return Object.fromEntries([...removed.map((name) => [name, null] as const), ...changed])
}
