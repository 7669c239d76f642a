import type { Static } from 'typebox'
import { listSessions, renameSession, revokeSession, revokeSessions } from '../../service/sessions/own-sessions.js'
import { actorOf, type Routes } from '../context.js'
import { bodyProblems, describe } from '../describe.js'
import { authenticateGuard, authOf } from '../guards.js'
import {
  AllQuery,
  DeviceBody,
  IdParams,
  NoContent,
  RevokedResponse,
  SessionResponse,
  SessionsResponse
} from '../schemas/index.js'
import { sessionView } from '../views.js'

type Id = { Params: Static<typeof IdParams> }

/** GET, DELETE /sessions and PATCH, DELETE /sessions/:id: a person's own devices. */
export const sessionRoutes: Routes = (app, context) => {
  const { ports } = context
  const preHandler = authenticateGuard(context)

  app.get(
    '/sessions',
    {
      preHandler,
      schema: describe({
        summary: 'The devices that are signed in, newest first',
        guarded: true,
        response: { 200: SessionsResponse },
        problems: ['unavailable']
      })
    },
    async (request) => {
      const auth = authOf(request)
      const sessions = await listSessions(ports, auth)
      return { sessions: sessions.map((session) => sessionView(session, auth.sessionId)) }
    }
  )

  app.patch<Id & { Body: Static<typeof DeviceBody> }>(
    '/sessions/:id',
    {
      preHandler,
      schema: describe({
        summary: 'Give a device another name',
        guarded: true,
        params: IdParams,
        body: DeviceBody,
        response: { 200: SessionResponse },
        problems: ['invalid_request', 'forbidden_origin', 'not_found', 'unavailable']
      })
    },
    async (request) => {
      const auth = authOf(request)
      const session = await renameSession(ports, auth, { sid: request.params.id, device: request.body.device })
      return sessionView(session, auth.sessionId)
    }
  )

  app.delete<Id>(
    '/sessions/:id',
    {
      preHandler,
      schema: describe({
        summary: 'End one device',
        guarded: true,
        params: IdParams,
        response: { 204: NoContent },
        problems: [...bodyProblems, 'insufficient_user_authentication', 'forbidden_origin', 'not_found', 'unavailable']
      })
    },
    async (request, reply) => {
      await revokeSession(ports, authOf(request), request.params.id, actorOf(request))
      return reply.code(204).send()
    }
  )

  app.delete<{ Querystring: Static<typeof AllQuery> }>(
    '/sessions',
    {
      preHandler,
      schema: describe({
        summary: 'End the other devices',
        guarded: true,
        querystring: AllQuery,
        response: { 200: RevokedResponse },
        problems: [...bodyProblems, 'insufficient_user_authentication', 'forbidden_origin', 'unavailable']
      })
    },
    async (request) => {
      const all = request.query.all ?? false
      return { revoked: await revokeSessions(ports, authOf(request), all, actorOf(request)) }
    }
  )
}
