import type { FastifyReply } from 'fastify'
import type { Static } from 'typebox'
import type { Credentials } from '../service/sessions/issue-credentials.js'
import type { SignedIn } from '../service/sessions/start-session.js'
import { writeCredential, writeDeviceToken } from './cookies.js'
import type { TokenResponse } from './schemas/index.js'
import type { HttpSettings } from './settings.js'

/**
 * Hands credentials out as the session's mode says: the opaque one in a cookie or, in `body` mode
 * alone, in the body. A cookie is set only where the token changed. What a sign-in adds, the device
 * token, goes the same way; in `access` mode, which has no other cookie, in a cookie too.
 */
export function sendCredentials(
  reply: FastifyReply,
  credentials: Credentials & Partial<Pick<SignedIn, 'deviceToken'>>,
  settings: HttpSettings
): FastifyReply {
  const { sessionId, mode, accessToken, expiresInSeconds, opaque, deviceToken } = credentials
  if (mode !== 'body' && opaque?.changed) writeCredential(reply, opaque, settings)
  if (mode !== 'body' && deviceToken !== undefined) writeDeviceToken(reply, deviceToken, settings)
  const body: Static<typeof TokenResponse> = {
    ...(accessToken !== undefined && { access_token: accessToken, token_type: 'Bearer' }),
    expires_in: expiresInSeconds,
    session_id: sessionId,
    ...(mode === 'body' && opaque && { refresh_token: opaque.token, refresh_expires_in: opaque.expiresInSeconds }),
    ...(mode === 'body' && deviceToken !== undefined && { device_token: deviceToken })
  }
  return reply.header('cache-control', 'no-store').send(body)
}
