import { accessTokenType } from '../core/access-claims.js'

/** A token as it reads before anything of it is believed. */
export interface SignedToken {
  readonly alg: string
  readonly kid: string
  /** What was signed (RFC 7515 §5.2). */
  readonly input: string
  readonly signature: Uint8Array
  /** The payload's text as it was sent. */
  readonly payload: string
}

/** Ours have less than a thousand. */
const mostCharacters = 8192

/**
 * Takes a token apart, or gives undefined where it cannot be one of ours: a header of exactly `alg`,
 * `typ` and `kid`, so that `jwk`, `jku`, `x5u` or `crit` are never even read (RFC 8725 §3.10, §3.11),
 * and each part in its one canonical spelling.
 */
export function readSignedToken(token: string): SignedToken | undefined {
  if (token.length > mostCharacters) return undefined
  const parts = token.split('.')
  const [head = '', payload = '', tail = ''] = parts
  const signature = bytesOf(tail)
  if (parts.length !== 3 || signature === undefined) return undefined
  const header = readJson(head)
  if (!isHeader(header)) return undefined
  return { alg: header.alg, kid: header.kid, input: `${head}.${payload}`, signature, payload }
}

/** The value of a part that is JSON; undefined where it is none. */
export function readJson(part: string): unknown {
  try {
    return JSON.parse(bytesOf(part)?.toString() ?? '')
  } catch {
    return undefined
  }
}

function isHeader(value: unknown): value is { readonly alg: string; readonly kid: string } {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 3) return false
  const { alg, typ, kid } = value as Record<string, unknown>
  return typeof alg === 'string' && typ === accessTokenType && typeof kid === 'string'
}

/** Buffer reads past what is no base64url; only what it would write itself is taken. */
function bytesOf(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url')
  return bytes.toString('base64url') === part ? bytes : undefined
}
