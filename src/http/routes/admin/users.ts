import { deleteUser } from '../../../service/admin/delete-user.js'
import { createInvitedUser } from '../../../service/admin/invite-user.js'
import { listUsers } from '../../../service/admin/listings.js'
import { readUserDetails } from '../../../service/admin/read-user.js'
import { updateUser } from '../../../service/admin/update-user.js'
import { readDocuments } from '../../bodies.js'
import type { Routes } from '../../context.js'
import { actorOf } from '../../credentials.js'
import { describe } from '../../describe.js'
import {
  NewUserBody,
  NewUserResponse,
  newUserView,
  UserChangeBody,
  UserDetailsResponse,
  UserResponse,
  UsersPage,
  UsersQuery,
  userDetailsView,
  userView
} from '../../schemas/admin/users.js'
import { EmptyResponse, IdParams, pageOf } from '../../schemas/shared.js'

/** GET, POST /admin/users and GET, PATCH, DELETE /admin/users/:id. */
export const adminUserRoutes: Routes = (app, context) => {
  const { ports } = context
  app.get(
    '/admin/users',
    describe({ summary: 'Users, newest first', querystring: UsersQuery, response: { 200: UsersPage } }),
    async (request) => {
      const { email, ...page } = request.query
      const { items, nextCursor } = await listUsers(ports, { email }, pageOf(page))
      return { users: items.map(userView), next_cursor: nextCursor }
    }
  )

  app.post(
    '/admin/users',
    describe({
      summary: 'Create an account without a password, and invite its owner',
      description:
        'The address counts as confirmed. The invitation is a one-time link with which the person sets a password (`POST /password/reset`) within 7 days. Without `invite` there is none. With `PASSWORD_LOGIN=off` leave it out, because the link asks for a password. Refused if `REGISTRATION` is `closed`.',
      body: NewUserBody,
      response: { 201: NewUserResponse },
      problems: ['registration_closed', 'mail_not_configured', 'email_taken']
    }),
    async (request, reply) => {
      const { email, roles = [], locale, invite } = request.body
      const invited = await createInvitedUser(ports, { email, roles, locale, invite }, actorOf(request))
      reply.code(201)
      return newUserView(invited)
    }
  )

  app.get(
    '/admin/users/:id',
    describe({ summary: 'One user, with the profile', params: IdParams, response: { 200: UserDetailsResponse } }),
    async (request) => userDetailsView(await readUserDetails(ports, request.params.id))
  )

  // In a scope of its own, because the attributes are a document.
  app.register((scope, _options, done) => {
    readDocuments(scope)
    addPatchRoute(scope, context)
    done()
  })

  app.delete(
    '/admin/users/:id',
    describe({
      summary: 'Delete a user and all their sessions',
      params: IdParams,
      response: { 204: EmptyResponse },
      problems: ['last_admin']
    }),
    async (request, reply) => {
      await deleteUser(ports, request.params.id, actorOf(request))
      return reply.code(204).send()
    }
  )
}

const addPatchRoute: Routes = (scope, { ports }) => {
  scope.patch(
    '/admin/users/:id',
    describe({
      summary: 'Disable a user, or change their roles or attributes',
      description: 'Disabling ends all their sessions. New roles and attributes apply from the next second.',
      params: IdParams,
      body: UserChangeBody,
      response: { 200: UserResponse },
      problems: ['last_admin']
    }),
    async (request) => {
      const { disabled, roles, attributes } = request.body
      return userView(await updateUser(ports, request.params.id, { disabled, roles, attributes }, actorOf(request)))
    }
  )
}
