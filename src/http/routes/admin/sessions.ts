import type { Static } from 'typebox'
import {
  endEverybodysSessions,
  endSession,
  endSessionsOfUser,
  findSessions,
  sessionsOfUser
} from '../../../service/admin/sessions.js'
import { actorOf, type Routes } from '../../context.js'
import { describe } from '../../describe.js'
import { adminGuards, authOf } from '../../guards.js'
import {
  AdminSessionsPage,
  AdminSessionsResponse,
  IdParams,
  NoContent,
  NoteBody,
  RevokeAllBody,
  RevokedResponse,
  SessionsQuery
} from '../../schemas/index.js'
import { adminSessionView } from '../../views.js'

type Id = { Params: Static<typeof IdParams> }
type Note = { Body: Static<typeof NoteBody> }

/** Ops find sessions and end one, all of a user's, or everybody's. */
export const adminSessionRoutes: Routes = (app, context) => {
  const { ports } = context
  const preHandler = adminGuards(context)

  app.get<Id>(
    '/admin/users/:id/sessions',
    {
      preHandler,
      schema: describe({
        summary: 'The live sessions of one user',
        tag: 'admin',
        guarded: true,
        params: IdParams,
        response: { 200: AdminSessionsResponse },
        problems: ['insufficient_scope', 'not_found', 'unavailable']
      })
    },
    async (request) => {
      const sessions = await sessionsOfUser(ports, request.params.id)
      return { sessions: sessions.map((session) => adminSessionView(session, authOf(request).sessionId)) }
    }
  )

  app.delete<Id & Note>(
    '/admin/users/:id/sessions',
    {
      preHandler,
      schema: describe({
        summary: 'End all sessions of one user',
        tag: 'admin',
        guarded: true,
        params: IdParams,
        body: NoteBody,
        response: { 200: RevokedResponse },
        problems: ['invalid_request', 'forbidden_origin', 'insufficient_scope', 'not_found', 'unavailable']
      })
    },
    async (request) => ({
      revoked: await endSessionsOfUser(ports, request.params.id, request.body.reason, actorOf(request))
    })
  )

  app.get<{ Querystring: Static<typeof SessionsQuery> }>(
    '/admin/sessions',
    {
      preHandler,
      schema: describe({
        summary: 'Live sessions, newest first',
        tag: 'admin',
        guarded: true,
        querystring: SessionsQuery,
        response: { 200: AdminSessionsPage },
        problems: ['invalid_request', 'insufficient_scope', 'unavailable']
      })
    },
    async (request) => {
      const { user_id: userId, ip, limit = 50, cursor } = request.query
      const { items, nextCursor } = await findSessions(ports, { userId, ip }, { limit, cursor })
      const sessions = items.map((session) => adminSessionView(session, authOf(request).sessionId))
      return { sessions, next_cursor: nextCursor }
    }
  )

  app.delete<Id & Note>(
    '/admin/sessions/:id',
    {
      preHandler,
      schema: describe({
        summary: 'End one session',
        tag: 'admin',
        guarded: true,
        params: IdParams,
        body: NoteBody,
        response: { 204: NoContent },
        problems: ['invalid_request', 'forbidden_origin', 'insufficient_scope', 'not_found', 'unavailable']
      })
    },
    async (request, reply) => {
      await endSession(ports, request.params.id, request.body.reason, actorOf(request))
      return reply.code(204).send()
    }
  )

  app.post<{ Body: Static<typeof RevokeAllBody> }>(
    '/admin/sessions/revoke-all',
    {
      preHandler,
      schema: describe({
        summary: "End everybody's sessions, at once, the caller's too",
        tag: 'admin',
        guarded: true,
        body: RevokeAllBody,
        response: { 200: RevokedResponse },
        problems: ['invalid_request', 'forbidden_origin', 'insufficient_scope', 'unavailable']
      })
    },
    async (request) => ({ revoked: await endEverybodysSessions(ports, actorOf(request)) })
  )
}
