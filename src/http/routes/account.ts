import { requestLimits } from '../../core/rate-limits.js'
import { changePassword } from '../../service/accounts/change-password.js'
import { deleteAccount } from '../../service/accounts/delete-account.js'
import { readAccount, readOwnEvents } from '../../service/accounts/read-account.js'
import type { Routes } from '../context.js'
import { clearCredential } from '../cookies.js'
import { actorOf } from '../credentials.js'
import { describe } from '../describe.js'
import { authOf } from '../guards.js'
import { perNetwork } from '../rate-limits.js'
import {
  DeleteAccountBody,
  MeResponse,
  meView,
  OwnEventsPage,
  OwnEventsQuery,
  ownEventView,
  PasswordBody
} from '../schemas/account.js'
import { EmptyResponse, pageOf } from '../schemas/shared.js'

/** GET /me, GET /me/events, POST /password, DELETE /me. */
export const accountRoutes: Routes = (app, { ports, settings }) => {
  app.get(
    '/me',
    describe({ summary: 'The signed-in user', tag: 'account', response: { 200: MeResponse } }),
    async (request) => {
      const auth = authOf(request)
      return meView(await readAccount(ports, auth), auth.sessionId)
    }
  )

  app.get(
    '/me/events',
    describe({
      summary: 'What happened to this account and its sessions, newest first',
      tag: 'account',
      querystring: OwnEventsQuery,
      response: { 200: OwnEventsPage }
    }),
    async (request) => {
      const { items, nextCursor } = await readOwnEvents(ports, authOf(request), pageOf(request.query))
      return { events: items.map(ownEventView), next_cursor: nextCursor }
    }
  )

  app.post(
    '/password',
    {
      config: perNetwork(requestLimits.password),
      ...describe({
        summary: 'Change the password and end every other session',
        tag: 'account',
        body: PasswordBody,
        response: { 204: EmptyResponse },
        problems: [
          'password_too_short',
          'password_too_common',
          'password_too_long',
          'invalid_credentials',
          'too_many_requests'
        ]
      })
    },
    async (request, reply) => {
      const { current_password: currentPassword, new_password: newPassword } = request.body
      await changePassword(ports, authOf(request), { currentPassword, newPassword }, actorOf(request))
      return reply.code(204).send()
    }
  )

  app.delete(
    '/me',
    {
      config: perNetwork(requestLimits.account),
      ...describe({
        summary: 'Delete the account and all its sessions',
        tag: 'account',
        body: DeleteAccountBody,
        response: { 204: EmptyResponse },
        problems: ['invalid_credentials', 'too_many_requests']
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
