import { requestAuth } from '../../../core/request-auth.js'
import { findSessions, listSessionsOfUser } from '../../../service/admin/listings.js'
import { revokeAllSessions, revokeSession, revokeSessionsOfUser } from '../../../service/admin/revoke-sessions.js'
import type { Routes } from '../../context.js'
import { actorOf } from '../../credentials.js'
import { describe } from '../../describe.js'
import {
  AdminSessionsPage,
  AdminSessionsResponse,
  adminSessionView,
  NoteBody,
  RevokeAllBody,
  RevokedOfAllResponse,
  SessionsQuery
} from '../../schemas/admin/sessions.js'
import { EmptyResponse, IdParams, pageOf, RevokedResponse } from '../../schemas/shared.js'

/** /admin/sessions and /admin/users/:id/sessions: find sessions, and end one, all of a user's, or everybody's. */
export const adminSessionRoutes: Routes = (app, { ports }) => {
  app.get(
    '/admin/users/:id/sessions',
    describe({ summary: 'The live sessions of one user', params: IdParams, response: { 200: AdminSessionsResponse } }),
    async (request) => {
      const sessions = await listSessionsOfUser(ports, request.params.id)
      return { sessions: sessions.map((session) => adminSessionView(session, requestAuth(request).sessionId)) }
    }
  )

  app.delete(
    '/admin/users/:id/sessions',
    describe({
      summary: 'End all sessions of one user',
      params: IdParams,
      body: NoteBody,
      response: { 200: RevokedResponse }
    }),
    async (request) => ({
      revoked: await revokeSessionsOfUser(ports, request.params.id, request.body.reason, actorOf(request))
    })
  )

  app.get(
    '/admin/sessions',
    describe({
      summary: 'Live sessions, newest first',
      querystring: SessionsQuery,
      response: { 200: AdminSessionsPage }
    }),
    async (request) => {
      const { user_id: userId, ip, ...page } = request.query
      const { items, nextCursor } = await findSessions(ports, { userId, ip }, pageOf(page))
      const sessions = items.map((session) => adminSessionView(session, requestAuth(request).sessionId))
      return { sessions, next_cursor: nextCursor }
    }
  )

  app.delete(
    '/admin/sessions/:id',
    describe({ summary: 'End one session', params: IdParams, body: NoteBody, response: { 204: EmptyResponse } }),
    async (request, reply) => {
      await revokeSession(ports, request.params.id, request.body.reason, actorOf(request))
      return reply.code(204).send()
    }
  )

  app.post(
    '/admin/sessions/revoke-all',
    describe({
      summary: "End everybody's sessions at once, including the caller's",
      body: RevokeAllBody,
      response: { 200: RevokedOfAllResponse }
    }),
    async (request) => ({ revoked: await revokeAllSessions(ports, actorOf(request)) })
  )
}
