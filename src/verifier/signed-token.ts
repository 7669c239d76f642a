import { accessTokenType } from '../core/access-claims.js'

/** The parts of a token, before anything is verified. */
export interface SignedToken {
  readonly alg: string
  readonly kid: string
  /** The signing input (RFC 7515 §5.2). */
  readonly input: string
  readonly signature: Uint8Array
  /** The payload, still encoded. */
  readonly payload: string
}

/** Tokens of a Latchkey service have less than a thousand. */
const maxCharacters = 8192

/**
 * Splits a token into its parts. Undefined if it cannot be a token of a Latchkey service: the header must have exactly
 * `alg`, `typ` and `kid`, so `jwk`, `jku`, `x5u` and `crit` are never read (RFC 8725 §3.10, §3.11), and each part must
 * be canonical base64url.
 */
export function readSignedToken(token: string): SignedToken | undefined {
  if (token.length > maxCharacters) return undefined
  const parts = token.split('.')
  const [head = '', payload = '', tail = ''] = parts
  const signature = decodeCanonical(tail)
  if (parts.length !== 3 || signature === undefined) return undefined
  const header = readJson(head)
  if (!isHeader(header)) return undefined
  return { alg: header.alg, kid: header.kid, input: `${head}.${payload}`, signature, payload }
}

/** The JSON value in a part of a token; undefined if it is not JSON. */
export function readJson(part: string): unknown {
  try {
    return JSON.parse(decodeCanonical(part)?.toString() ?? '')
  } catch {
    return undefined
  }
}

function isHeader(value: unknown): value is { readonly alg: string; readonly kid: string } {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 3) return false
  const { alg, typ, kid } = value as Record<string, unknown>
  return typeof alg === 'string' && typ === accessTokenType && typeof kid === 'string'
}

/** `Buffer` skips characters that are not base64url, so encode again and compare. */
function decodeCanonical(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url')
  return bytes.toString('base64url') === part ? bytes : undefined
}
