import type { FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { Refused } from '../../service/refused.js'
import { type LogoutCredential, logout } from '../../service/sessions/logout.js'
import { actorOf, type HttpContext, type Routes } from '../context.js'
import { clearCredential, readCredential } from '../cookies.js'
import { describe } from '../describe.js'
import { presentedCredential } from '../guards.js'
import { requireOwnOrigin } from '../origin-check.js'
import { NoContent, RefreshBody } from '../schemas/index.js'

type Logout = { Body: Static<typeof RefreshBody> }

/** POST /logout. */
export const logoutRoutes: Routes = (app, context) => {
  app.post<Logout>(
    '/logout',
    {
      schema: describe({
        summary: 'End this session',
        description: 'By the cookie, the refresh token in the body or the access token. Done again when already done.',
        body: RefreshBody,
        response: { 204: NoContent },
        problems: [
          'invalid_request',
          'ambiguous_credentials',
          'invalid_token',
          'token_expired',
          'forbidden_origin',
          'unavailable'
        ]
      })
    },
    async (request, reply) => {
      const actor = actorOf(request)
      const opaque = opaqueCredentials(request, context)
      for (const credential of opaque) await logout(context.ports, credential, actor)
      try {
        const bearer = presentedCredential(request, context.settings)
        if (bearer?.kind === 'bearer') await logout(context.ports, bearer, actor)
      } catch (error) {
        // A page that slept sends an access token that has expired: what the cookie held has ended all the same.
        if (!(error instanceof Refused) || opaque.length === 0) throw error
      }
      clearCredential(reply, 'refresh', context.settings)
      clearCredential(reply, 'session', context.settings)
      return reply.code(204).send()
    }
  )
}

/** The tokens that the request brought along, beside an access token: each of them is to be of no use afterwards. */
function opaqueCredentials(request: FastifyRequest<Logout>, context: HttpContext): LogoutCredential[] {
  const credentials: LogoutCredential[] = []
  const fromBody = request.body.refresh_token
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
