import { Refused } from '../../service/refused.js'
import { refresh } from '../../service/sessions/refresh.js'
import type { Routes } from '../context.js'
import { clearEarlierCookies, clearOwnCookies } from '../cookies/clearing.js'
import { actorOf, presentedRefreshToken, sendCredentials } from '../credentials.js'
import { describe } from '../describe.js'
import { RefreshBody, RefreshHeaders } from '../schemas/refresh.js'
import { TokenResponse } from '../schemas/sign-in.js'

/** POST /refresh. */
export const refreshRoutes: Routes = (app, context) => {
  app.post(
    '/refresh',
    describe({
      summary: 'Get a new access token with the refresh token',
      description:
        'Safe to retry: a client that lost the response sends the same refresh token again and gets the same new one.',
      headers: RefreshHeaders,
      body: RefreshBody,
      response: { 200: TokenResponse },
      problems: [
        'ambiguous_credentials',
        'missing_credentials',
        'invalid_refresh_token',
        'session_ended',
        'forbidden_origin',
        'too_many_requests',
        'unavailable'
      ]
    }),
    async (request, reply) => {
      const { token, suffix } = await presentedRefreshToken(request, reply, request.body.refresh_token, context)
      const idempotencyKey = request.headers['idempotency-key']
      try {
        const credentials = await refresh(context.ports, { refreshToken: token, idempotencyKey }, actorOf(request))
        return sendCredentials(reply, credentials, context, suffix)
      } catch (error) {
        if (suffix === undefined || !isFinal(error)) throw error
        if (suffix === context.settings.cookieNameSuffixes[0]) {
          clearOwnCookies(request, reply, 'refresh', context)
          throw error
        }
        // Under an earlier name, a session that nobody remembers may be of another service with our root secret.
        if (error.code === 'invalid_refresh_token') throw new Refused('missing_credentials')
        const sid = context.ports.opaqueTokens.open('refresh', token)?.sid
        await clearEarlierCookies(request, reply, 'refresh', context, sid)
        throw error
      }
    }
  )
}

/**
 * Whether every retry would fail too, so the cookie is of no more use. A replaced session has a successor in the same
 * browser: the cookie jar holds a newer cookie by then, and this response must not delete it.
 */
function isFinal(error: unknown): error is Refused {
  if (!(error instanceof Refused)) return false
  const { reason, replaced } = error.details
  return (
    error.code === 'invalid_refresh_token' || (error.code === 'session_ended' && reason !== 'replaced' && !replaced)
  )
}
