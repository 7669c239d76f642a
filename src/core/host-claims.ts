import { faultOfMembers, jsonBytes } from './json-document.js'
import { isJsonObject, type Json, type JsonObject } from './merge-patch.js'
import { isReservedClaim } from './reserved-claims.js'

/** The maximum length of the claims that a host adds to an access token, as JSON in UTF-8. */
export const maxHostClaimsBytes = 2048

export type HostClaims =
  | { readonly ok: true; readonly claims: JsonObject }
  | { readonly ok: false; readonly fault: string }

const refuse = (fault: string): HostClaims => ({ ok: false, fault })

/**
 * Reads what a host's function returned as the claims that it adds. `fault` ends the sentence "The result of claims …". A
 * value that JSON would change or leave out without a word, such as NaN, a function or a Map, is a fault; a member that is
 * undefined is no member. Never throws, whatever `result` does when it is read.
 */
export function readHostClaims(result: unknown): HostClaims {
  let claims: Json | undefined
  try {
    claims = asJson(result)
  } catch (error) {
    return refuse(`cannot be written as JSON: ${textOf(error)}`)
  }
  if (!isJsonObject(claims)) return refuse('is not an object')
  const reserved = Object.keys(claims).find(isReservedClaim)
  if (reserved !== undefined) return refuse(`has the reserved name ${JSON.stringify(reserved)}`)
  const fault = faultOfMembers(claims)
  if (fault !== undefined) return refuse(`has the member ${JSON.stringify(fault.field)}, which ${fault.message}`)
  const bytes = jsonBytes(claims)
  if (bytes > maxHostClaimsBytes) return refuse(`has ${bytes} bytes of JSON, and ${maxHostClaimsBytes} are allowed`)
  return { ok: true, claims }
}

/** The value after `JSON.stringify` and back: what every receiver of the token will read. */
function asJson(value: unknown): Json | undefined {
  const text: string | undefined = JSON.stringify(value, function (this: unknown, name, member: unknown) {
    const isLost = typeof member === 'function' || typeof member === 'symbol' || isNoJsonNumber(member)
    if (isLost) throw new TypeError(`${JSON.stringify(name)} is ${String(member).slice(0, 40)}`)
    // JSON writes null for it, because the items behind it keep their places.
    if (member === undefined && Array.isArray(this))
      throw new TypeError(`${JSON.stringify(name)} of a list is undefined`)
    if (isWrittenEmpty(member)) throw new TypeError(`${JSON.stringify(name)} is a ${classOf(member)}`)
    return member
  })
  return text === undefined ? undefined : JSON.parse(text)
}

/** What was thrown, which may be anything, also what cannot be turned into a text. */
function textOf(error: unknown): string {
  try {
    return error instanceof Error ? String(error.message) : String(error)
  } catch {
    return 'what was thrown is no text'
  }
}

/** Whether JSON writes `{}` for an object of a class that keeps its content elsewhere, such as a Map or a RegExp. */
function isWrittenEmpty(member: unknown): member is object {
  if (typeof member !== 'object' || member === null || Array.isArray(member)) return false
  const prototype: unknown = Object.getPrototypeOf(member)
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null
  return !isPlain && !isBoxed(member) && Object.keys(member).length === 0
}

/** JSON writes the value in such an object. */
const isBoxed = (member: object) => member instanceof Number || member instanceof Boolean || member instanceof String

const classOf = (member: object) => member.constructor.name.slice(0, 40)

const isNoJsonNumber = (value: unknown) => typeof value === 'number' && !Number.isFinite(value)
