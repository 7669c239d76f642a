import type { Static } from 'typebox'
import { changePassword, deleteAccount, readAccount, readOwnEvents } from '../../service/accounts/account.js'
import { actorOf, type Routes } from '../context.js'
import { clearCredential } from '../cookies.js'
import { describe } from '../describe.js'
import { authenticateGuard, authOf } from '../guards.js'
import { perAddress } from '../rate-limits.js'
import { DeleteAccountBody, MeResponse, NoContent, OwnEventsPage, PageQuery, PasswordBody } from '../schemas/index.js'
import { ownEventView, timeView } from '../views.js'

/** GET /me, GET /me/events, POST /password, DELETE /me. */
export const accountRoutes: Routes = (app, context) => {
  const { ports, settings } = context
  const preHandler = authenticateGuard(context)

  app.get(
    '/me',
    {
      preHandler,
      schema: describe({
        summary: 'Who this is',
        tag: 'account',
        guarded: true,
        response: { 200: MeResponse },
        problems: ['unavailable']
      })
    },
    async (request) => {
      const auth = authOf(request)
      const { id, email, roles, createdAt } = await readAccount(ports, auth)
      return { id, email, roles, created_at: timeView(createdAt), session_id: auth.sessionId }
    }
  )

  app.get<{ Querystring: Static<typeof PageQuery> }>(
    '/me/events',
    {
      preHandler,
      schema: describe({
        summary: 'What happened to this account and its sessions, newest first',
        tag: 'account',
        guarded: true,
        querystring: PageQuery,
        response: { 200: OwnEventsPage },
        problems: ['invalid_request', 'unavailable']
      })
    },
    async (request) => {
      const { limit = 50, cursor } = request.query
      const { items, nextCursor } = await readOwnEvents(ports, authOf(request), { limit, cursor })
      return { events: items.map(ownEventView), next_cursor: nextCursor }
    }
  )

  app.post<{ Body: Static<typeof PasswordBody> }>(
    '/password',
    {
      preHandler,
      config: perAddress('password', 60),
      schema: describe({
        summary: 'Change the password; every other session ends',
        tag: 'account',
        guarded: true,
        body: PasswordBody,
        response: { 204: NoContent },
        problems: [
          'invalid_request',
          'password_too_short',
          'password_too_common',
          'password_too_long',
          'invalid_credentials',
          'forbidden_origin',
          'too_many_requests',
          'unavailable'
        ]
      })
    },
    async (request, reply) => {
      const { current_password: currentPassword, new_password: newPassword } = request.body
      await changePassword(ports, authOf(request), { currentPassword, newPassword }, actorOf(request))
      return reply.code(204).send()
    }
  )

  app.delete<{ Body: Static<typeof DeleteAccountBody> }>(
    '/me',
    {
      preHandler,
      config: perAddress('account', 60),
      schema: describe({
        summary: 'Delete the account and all its sessions',
        tag: 'account',
        guarded: true,
        body: DeleteAccountBody,
        response: { 204: NoContent },
        problems: ['invalid_request', 'invalid_credentials', 'forbidden_origin', 'too_many_requests', 'unavailable']
      })
    },
    async (request, reply) => {
      await deleteAccount(ports, authOf(request), request.body.password, actorOf(request))
      clearCredential(reply, 'refresh', settings)
      clearCredential(reply, 'session', settings)
      return reply.code(204).send()
    }
  )
}
