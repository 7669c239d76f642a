import { requestLimits } from '../../../core/rate-limits.js'
import { requestAuth } from '../../../core/request-auth.js'
import { changePassword } from '../../../service/accounts/change-password.js'
import { deleteAccount } from '../../../service/accounts/delete-account.js'
import { readAccount, readOwnEvents } from '../../../service/accounts/read-account.js'
import { reauthenticate } from '../../../service/accounts/reauthenticate.js'
import type { Routes } from '../../context.js'
import { clearCookies } from '../../cookies/clearing.js'
import { actorOf, heldCookie, sendReplaced, sessionKinds } from '../../credentials.js'
import { describe } from '../../describe.js'
import { perNetwork } from '../../rate-limits.js'
import {
  DeleteAccountBody,
  MeResponse,
  meView,
  OwnEventsPage,
  OwnEventsQuery,
  ownEventView,
  PasswordBody,
  ReauthenticateBody
} from '../../schemas/account.js'
import { EmptyResponse, pageOf } from '../../schemas/shared.js'
import { TokenResponse } from '../../schemas/sign-in.js'

/** GET /me, GET /me/events, POST /password, POST /reauthenticate, DELETE /me. */
export const accountRoutes: Routes = (app, context) => {
  const { ports } = context

  app.get(
    '/me',
    describe({ summary: 'The signed-in user', tag: 'account', response: { 200: MeResponse } }),
    async (request) => {
      const auth = requestAuth(request)
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
      const { items, nextCursor } = await readOwnEvents(ports, requestAuth(request), pageOf(request.query))
      return { events: items.map(ownEventView), next_cursor: nextCursor }
    }
  )

  if (ports.policy.passwordLogin) passwordRoutes(app, context)

  app.delete(
    '/me',
    {
      config: perNetwork(requestLimits.account),
      ...describe({
        summary: 'Delete the account and all its sessions',
        tag: 'account',
        body: DeleteAccountBody,
        response: { 204: EmptyResponse },
        problems: ['invalid_credentials', 'insufficient_user_authentication', 'last_admin', 'too_many_requests']
      })
    },
    async (request, reply) => {
      await deleteAccount(ports, requestAuth(request), request.body.password, actorOf(request))
      const { sessionId } = requestAuth(request)
      for (const kind of sessionKinds) await clearCookies(request, reply, kind, context, sessionId)
      return reply.code(204).send()
    }
  )
}

/** POST /password, POST /reauthenticate. */
const passwordRoutes: Routes = (app, context) => {
  const { ports } = context

  app.post(
    '/password',
    {
      config: perNetwork(requestLimits.password),
      ...describe({
        summary: 'Change the password and end every other session',
        description:
          'Also replaces this session: the response has its new credentials, and the old ones are refused from now on. After a lost response, log in with the new password.',
        tag: 'account',
        body: PasswordBody,
        response: { 200: TokenResponse },
        problems: [
          'ambiguous_credentials',
          'password_too_short',
          'password_too_common',
          'password_too_long',
          'invalid_credentials',
          'insufficient_user_authentication',
          'too_many_requests'
        ]
      })
    },
    async (request, reply) => {
      const { current_password: currentPassword, new_password: newPassword } = request.body
      const input = { currentPassword, newPassword, heldCookie: heldCookie(request, reply, context) }
      const credentials = await changePassword(ports, requestAuth(request), input, actorOf(request))
      return sendReplaced(request, reply, credentials, context, requestAuth(request).sessionId)
    }
  )

  app.post(
    '/reauthenticate',
    {
      config: perNetwork(requestLimits.reauthenticate),
      ...describe({
        summary: 'Confirm the password, so that the login of this session is recent',
        description:
          'For an action that was refused with `insufficient_user_authentication`. Replaces this session as `POST /password` does, and ends no other.',
        tag: 'account',
        body: ReauthenticateBody,
        response: { 200: TokenResponse },
        problems: ['ambiguous_credentials', 'invalid_credentials', 'too_many_requests']
      })
    },
    async (request, reply) => {
      const input = { password: request.body.password, heldCookie: heldCookie(request, reply, context) }
      const credentials = await reauthenticate(ports, requestAuth(request), input, actorOf(request))
      return sendReplaced(request, reply, credentials, context, requestAuth(request).sessionId)
    }
  )
}
