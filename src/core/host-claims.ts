import { faultOfMembers, jsonBytes } from './json-document.js'
import { readAsJson } from './json-value.js'
import { isJsonObject, type JsonObject } from './merge-patch.js'
import { isReservedClaim } from './reserved-claims.js'

/** The maximum length of the claims that a host adds to an access token, as JSON in UTF-8. */
export const maxHostClaimsBytes = 2048

export type HostClaims =
  | { readonly ok: true; readonly claims: JsonObject }
  | { readonly ok: false; readonly fault: string }

const refuse = (fault: string): HostClaims => ({ ok: false, fault })

/**
 * Reads what a host's function returned as the claims that it adds. `fault` ends the sentence "The result of claims …".
 * Never throws, whatever `result` does when it is read.
 */
export function readHostClaims(result: unknown): HostClaims {
  const read = readAsJson(result)
  if (!read.ok) return refuse(read.fault)
  const claims = read.json
  if (!isJsonObject(claims)) return refuse('is not an object')
  const reserved = Object.keys(claims).find(isReservedClaim)
  if (reserved !== undefined) return refuse(`has the reserved name ${JSON.stringify(reserved)}`)
  const fault = faultOfMembers(claims)
  if (fault !== undefined) return refuse(`has the member ${JSON.stringify(fault.field)}, which ${fault.message}`)
  const bytes = jsonBytes(claims)
  if (bytes > maxHostClaimsBytes) return refuse(`has ${bytes} bytes of JSON, and ${maxHostClaimsBytes} are allowed`)
  return { ok: true, claims }
}
