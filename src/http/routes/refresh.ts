import type { FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { Refused } from '../../service/refused.js'
import { refresh } from '../../service/sessions/refresh.js'
import { actorOf, type HttpContext, type Routes } from '../context.js'
import { clearCredential, readCredential } from '../cookies.js'
import { describe } from '../describe.js'
import { requireOwnOrigin } from '../origin-check.js'
import { RefreshBody, RefreshHeaders, TokenResponse } from '../schemas/index.js'
import { sendCredentials } from '../token-response.js'

type Refresh = { Body: Static<typeof RefreshBody>; Headers: Static<typeof RefreshHeaders> }

/** POST /refresh. */
export const refreshRoutes: Routes = (app, context) => {
  app.post<Refresh>(
    '/refresh',
    {
      schema: describe({
        summary: 'Trade the refresh token for a fresh access token',
        description:
          'Safe to repeat: whoever lost the response sends the same token again and gets the same successor.',
        headers: RefreshHeaders,
        body: RefreshBody,
        response: { 200: TokenResponse },
        problems: [
          'invalid_request',
          'ambiguous_credentials',
          'missing_credentials',
          'invalid_refresh_token',
          'session_ended',
          'forbidden_origin',
          'too_many_requests',
          'unavailable'
        ]
      })
    },
    async (request, reply) => {
      const presented = presentedRefreshToken(request, context)
      const idempotencyKey = request.headers['idempotency-key']
      try {
        const credentials = await refresh(
          context.ports,
          { refreshToken: presented.token, idempotencyKey },
          actorOf(request)
        )
        return sendCredentials(reply, credentials, context.settings)
      } catch (error) {
        if (presented.inCookie && isFinal(error)) clearCredential(reply, 'refresh', context.settings)
        throw error
      }
    }
  )
}

/** From the cookie or the body; both at once is refused. A cookie counts only from our own pages. */
export function presentedRefreshToken(
  request: FastifyRequest<{ Body: Static<typeof RefreshBody> }>,
  context: HttpContext
): { readonly token: string; readonly inCookie: boolean } {
  const fromCookie = readCredential(request, 'refresh', context.settings)
  const fromBody = request.body.refresh_token
  if (fromCookie !== undefined && fromBody !== undefined) throw new Refused('ambiguous_credentials')
  if (fromBody !== undefined) return { token: fromBody, inCookie: false }
  if (fromCookie === undefined) throw new Refused('missing_credentials')
  requireOwnOrigin(request, context)
  return { token: fromCookie, inCookie: true }
}

/** Whether no retry could mend it, so that the cookie may go. */
function isFinal(error: unknown): boolean {
  return error instanceof Refused && (error.code === 'session_ended' || error.code === 'invalid_refresh_token')
}
