import type { Static } from 'typebox'
import { deleteUser, listUsers, readUser, updateUser } from '../../../service/admin/users.js'
import { actorOf, type Routes } from '../../context.js'
import { bodyProblems, describe } from '../../describe.js'
import { adminGuards } from '../../guards.js'
import { IdParams, NoContent, UserChangeBody, UserResponse, UsersPage, UsersQuery } from '../../schemas/index.js'
import { userView } from '../../views.js'

type Id = { Params: Static<typeof IdParams> }

/** /admin/users: ops find, disable and delete people, and give them roles. */
export const adminUserRoutes: Routes = (app, context) => {
  const { ports } = context
  const preHandler = adminGuards(context)

  app.get<{ Querystring: Static<typeof UsersQuery> }>(
    '/admin/users',
    {
      preHandler,
      schema: describe({
        summary: 'Users, newest first',
        tag: 'admin',
        guarded: true,
        querystring: UsersQuery,
        response: { 200: UsersPage },
        problems: ['invalid_request', 'insufficient_scope', 'unavailable']
      })
    },
    async (request) => {
      const { email, limit = 50, cursor } = request.query
      const { items, nextCursor } = await listUsers(ports, { email }, { limit, cursor })
      return { users: items.map(userView), next_cursor: nextCursor }
    }
  )

  app.get<Id>(
    '/admin/users/:id',
    {
      preHandler,
      schema: describe({
        summary: 'One user',
        tag: 'admin',
        guarded: true,
        params: IdParams,
        response: { 200: UserResponse },
        problems: ['insufficient_scope', 'not_found', 'unavailable']
      })
    },
    async (request) => userView(await readUser(ports, request.params.id))
  )

  app.patch<Id & { Body: Static<typeof UserChangeBody> }>(
    '/admin/users/:id',
    {
      preHandler,
      schema: describe({
        summary: 'Disable a user, or give other roles',
        description: 'Disabling ends all their sessions; other roles hold from the next second on.',
        tag: 'admin',
        guarded: true,
        params: IdParams,
        body: UserChangeBody,
        response: { 200: UserResponse },
        problems: ['invalid_request', 'forbidden_origin', 'insufficient_scope', 'not_found', 'unavailable']
      })
    },
    async (request) => {
      const { disabled, roles } = request.body
      return userView(await updateUser(ports, request.params.id, { disabled, roles }, actorOf(request)))
    }
  )

  app.delete<Id>(
    '/admin/users/:id',
    {
      preHandler,
      schema: describe({
        summary: 'Delete a user and all their sessions',
        tag: 'admin',
        guarded: true,
        params: IdParams,
        response: { 204: NoContent },
        problems: [...bodyProblems, 'forbidden_origin', 'insufficient_scope', 'not_found', 'unavailable']
      })
    },
    async (request, reply) => {
      await deleteUser(ports, request.params.id, actorOf(request))
      return reply.code(204).send()
    }
  )
}
