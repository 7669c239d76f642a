import type { FastifyRequest } from 'fastify'
import { Refused } from '../../service/refused.js'
import type { HeldToken } from '../../service/sessions/held-token.js'
import { logout, logoutByAccessToken } from '../../service/sessions/logout.js'
import type { HttpContext, Routes } from '../context.js'
import { readCookies } from '../cookies.js'
import { actorOf, clearCookies, presentedBearer } from '../credentials.js'
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
      const tokens = heldTokens(request, request.body.refresh_token, context)
      await logout(context.ports, tokens, actor)
      try {
        const bearer = presentedBearer(request)
        if (bearer !== undefined) await logoutByAccessToken(context.ports, bearer.token, actor)
      } catch (error) {
        // A page that wakes up after hours sends an expired access token; the session of its cookie has ended by now.
        if (!(error instanceof Refused) || tokens.length === 0) throw error
      }
      for (const kind of kinds) clearCookies(request, reply, kind, context)
      return reply.code(204).send()
    }
  )
}

const kinds = ['refresh', 'session'] as const

/** The refresh and session tokens of the request. Logout ends the session of each. */
function heldTokens(request: FastifyRequest, fromBody: string | undefined, context: HttpContext): readonly HeldToken[] {
  const inCookies = kinds.flatMap((kind) =>
    readCookies(request, kind, context.settings).flatMap((token) => (token === '' ? [] : { kind, token }))
  )
  if (inCookies.length > 0) requireOwnOrigin(request, context)
  if (fromBody === undefined) return inCookies
  if (inCookies.some(({ kind }) => kind === 'refresh')) throw new Refused('ambiguous_credentials')
  return [{ kind: 'refresh', token: fromBody }, ...inCookies]
}
