import type { FastifyReply } from 'fastify'
import type { Static } from 'typebox'
import type { Credentials } from '../service/issue-credentials.js'
import { writeCredential } from './cookies.js'
import type { TokenResponse } from './schemas.js'
import type { HttpSettings } from './settings.js'

/**
 * Hands credentials out as the session's mode says: the opaque one in a cookie or, in `body` mode
 * alone, in the body. A cookie is set only where the token changed.
 */
export function sendCredentials(
  reply: FastifyReply,
  { sessionId, mode, accessToken, expiresInSeconds, opaque }: Credentials,
  settings: HttpSettings
): FastifyReply {
  if (mode !== 'body' && opaque?.changed) writeCredential(reply, opaque, settings)
  const body: Static<typeof TokenResponse> = {
    ...(accessToken !== undefined && { access_token: accessToken, token_type: 'Bearer' }),
    expires_in: expiresInSeconds,
    session_id: sessionId,
    ...(mode === 'body' && opaque && { refresh_token: opaque.token, refresh_expires_in: opaque.expiresInSeconds })
  }
  return reply.header('cache-control', 'no-store').send(body)
}
