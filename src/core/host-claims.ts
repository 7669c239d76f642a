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
 * value that JSON would change or leave out without a word, such as NaN or a function, is a fault; a member that is
 * undefined is no member. Never throws, whatever `result` does when it is read.
 */
export function readHostClaims(result: unknown): HostClaims {
  let claims: Json | undefined
  try {
    claims = asJson(result)
  } catch (error) {
    return refuse(`cannot be written as JSON: ${error instanceof Error ? error.message : String(error)}`)
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
  const text: string | undefined = JSON.stringify(value, (name, member: unknown) => {
    const isLost = typeof member === 'function' || typeof member === 'symbol' || isNoJsonNumber(member)
    if (isLost) throw new TypeError(`${JSON.stringify(name)} is ${String(member).slice(0, 40)}`)
    return member
  })
  return text === undefined ? undefined : JSON.parse(text)
}

const isNoJsonNumber = (value: unknown) => typeof value === 'number' && !Number.isFinite(value)
