import { Refused } from '../../service/refused.js'
import { logout, logoutByAccessToken } from '../../service/sessions/logout.js'
import type { Routes } from '../context.js'
import { clearCookies } from '../cookies/clearing.js'
import { actorOf, heldTokens, presentedBearer, sessionKinds } from '../credentials.js'
import { describe } from '../describe.js'
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
      const tokens = await heldTokens(request, request.body.refresh_token, context)
      await logout(context.ports, tokens, actor)
      try {
        const bearer = presentedBearer(request)
        if (bearer !== undefined) await logoutByAccessToken(context.ports, bearer, actor)
      } catch (error) {
        // A page that wakes up after hours sends an expired access token; the session of its cookie has ended by now.
        if (!(error instanceof Refused) || tokens.length === 0) throw error
      }
      for (const kind of sessionKinds) await clearCookies(request, reply, kind, context)
      return reply.code(204).send()
    }
  )
}
