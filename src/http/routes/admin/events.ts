import type { Static } from 'typebox'
import { findEvents } from '../../../service/admin/sessions.js'
import type { Routes } from '../../context.js'
import { describe } from '../../describe.js'
import { adminGuards } from '../../guards.js'
import { EventsPage, EventsQuery } from '../../schemas/index.js'
import { eventView } from '../../views.js'

/** GET /admin/events: the audit log. */
export const adminEventRoutes: Routes = (app, context) => {
  app.get<{ Querystring: Static<typeof EventsQuery> }>(
    '/admin/events',
    {
      preHandler: adminGuards(context),
      schema: describe({
        summary: 'The audit log, newest first',
        tag: 'admin',
        guarded: true,
        querystring: EventsQuery,
        response: { 200: EventsPage },
        problems: ['invalid_request', 'insufficient_scope', 'unavailable']
      })
    },
    async (request) => {
      const { type, user_id: userId, session_id: sessionId, limit = 50, cursor } = request.query
      const { items, nextCursor } = await findEvents(context.ports, { type, userId, sessionId }, { limit, cursor })
      return { events: items.map(eventView), next_cursor: nextCursor }
    }
  )
}
