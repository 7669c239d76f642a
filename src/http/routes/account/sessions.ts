import { requestAuth } from '../../../core/request-auth.js'
import { listSessions, renameSession } from '../../../service/sessions/own-sessions.js'
import { revokeOwnSession, revokeOwnSessions } from '../../../service/sessions/revoke-own-sessions.js'
import type { Routes } from '../../context.js'
import { actorOf } from '../../credentials.js'
import { describe } from '../../describe.js'
import { AllQuery, DeviceBody, SessionResponse, SessionsResponse, sessionView } from '../../schemas/sessions.js'
import { EmptyResponse, IdParams, RevokedResponse } from '../../schemas/shared.js'

/** GET, DELETE /sessions and PATCH, DELETE /sessions/:id: the user's own devices. */
export const sessionRoutes: Routes = (app, { ports }) => {
  app.get(
    '/sessions',
    describe({ summary: 'The devices that are signed in, newest first', response: { 200: SessionsResponse } }),
    async (request) => {
      const auth = requestAuth(request)
      const sessions = await listSessions(ports, auth)
      return { sessions: sessions.map((session) => sessionView(session, auth.sessionId)) }
    }
  )

  app.patch(
    '/sessions/:id',
    describe({ summary: 'Rename a device', params: IdParams, body: DeviceBody, response: { 200: SessionResponse } }),
    async (request) => {
      const auth = requestAuth(request)
      const session = await renameSession(ports, auth, { sid: request.params.id, device: request.body.device })
      return sessionView(session, auth.sessionId)
    }
  )

  app.delete(
    '/sessions/:id',
    describe({
      summary: 'End one session',
      params: IdParams,
      response: { 204: EmptyResponse },
      problems: ['insufficient_user_authentication']
    }),
    async (request, reply) => {
      await revokeOwnSession(ports, requestAuth(request), request.params.id, actorOf(request))
      return reply.code(204).send()
    }
  )

  app.delete(
    '/sessions',
    describe({
      summary: 'End the other sessions',
      querystring: AllQuery,
      response: { 200: RevokedResponse },
      problems: ['insufficient_user_authentication']
    }),
    async (request) => {
      const all = request.query.all ?? false
      return { revoked: await revokeOwnSessions(ports, requestAuth(request), all, actorOf(request)) }
    }
  )
}
