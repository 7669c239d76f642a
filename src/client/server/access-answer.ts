import { type AccessClaims, authOfClaims } from '../../core/access-claims.js'
import { unreachable } from '../auth-error.js'
import type { TokenResponse } from '../call-service.js'
import type { HeldToken } from './known-sessions.js'

/** Takes over the access token of a response that arrived at `now`, in milliseconds since the epoch. */
export function heldToken({ access_token: accessToken, expires_in }: Partial<TokenResponse>, now: number): HeldToken {
  const life = (expires_in ?? 0) * 1000
  if (accessToken === undefined) throw unreachable()
  return { auth: authOf(accessToken), accessToken, since: now, expiresAt: now + life, renewAt: now + life * 0.75 }
}

/** Reads the claims without a check of the signature: the token came from Latchkey itself, at our own request. */
function authOf(accessToken: string) {
  try {
    const [, payload = ''] = accessToken.split('.')
    const bytes = Uint8Array.from(atob(payload.replace(/-/g, '+').replace(/_/g, '/')), (character) =>
      character.charCodeAt(0)
    )
    return authOfClaims(JSON.parse(new TextDecoder().decode(bytes)) as AccessClaims)
  } catch (error) {
    throw unreachable(error)
  }
}
