import type { FastifyRequest } from 'fastify'
import { Refused } from '../../service/refused.js'
import { type LogoutCredential, logout } from '../../service/sessions/logout.js'
import type { HttpContext, Routes } from '../context.js'
import { clearCredential, readCredential } from '../cookies.js'
import { actorOf, presentedCredential } from '../credentials.js'
import { describe } from '../describe.js'
import { requireOwnOrigin } from '../origin-check.js'
import { RefreshBody } from '../schemas/refresh.js'
import { EmptyResponse } from '../schemas/shared.js'

/** POST /logout. */
export const logoutRoutes: Routes = (app, context) => {
  app.post(
    '/logout',
    describe({
      summary: 'End this session',
      description:
        'Takes the cookie, the refresh token in the body, or the access token. Also answers 204 if the session has already ended.',
      body: RefreshBody,
      response: { 204: EmptyResponse },
      problems: ['ambiguous_credentials', 'invalid_token', 'token_expired', 'forbidden_origin', 'unavailable']
    }),
    async (request, reply) => {
      const actor = actorOf(request)
      const opaque = opaqueCredentials(request, request.body.refresh_token, context)
      for (const credential of opaque) await logout(context.ports, credential, actor)
      try {
        const bearer = presentedCredential(request, context.settings)
        if (bearer?.kind === 'bearer') await logout(context.ports, bearer, actor)
      } catch (error) {
        // A page that wakes up after hours sends an expired access token; the session of its cookie has ended by now.
        if (!(error instanceof Refused) || opaque.length === 0) throw error
      }
      clearCredential(reply, 'refresh', context.settings)
      clearCredential(reply, 'session', context.settings)
      return reply.code(204).send()
    }
  )
}

/** The refresh and session tokens of the request. Logout ends the session of each. */
function opaqueCredentials(
  request: FastifyRequest,
  fromBody: string | undefined,
  context: HttpContext
): LogoutCredential[] {
  const credentials: LogoutCredential[] = []
  if (fromBody !== undefined) credentials.push({ kind: 'refresh', token: fromBody })

  for (const kind of ['refresh', 'session'] as const) {
    const token = readCredential(request, kind, context.settings)
    if (token === undefined) continue
    if (kind === 'refresh' && fromBody !== undefined) throw new Refused('ambiguous_credentials')
    requireOwnOrigin(request, context)
    credentials.push({ kind, token })
  }
  return credentials
}
