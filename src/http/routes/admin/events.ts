import { findEvents } from '../../../service/admin/listings.js'
import type { Routes } from '../../context.js'
import { describe } from '../../describe.js'
import { EventsPage, EventsQuery, eventView } from '../../schemas/admin/events.js'
import { pageOf } from '../../schemas/shared.js'

/** GET /admin/events: the audit log. */
export const adminEventRoutes: Routes = (app, { ports }) => {
  app.get(
    '/admin/events',
    describe({ summary: 'The audit log, newest first', querystring: EventsQuery, response: { 200: EventsPage } }),
    async (request) => {
      const { type, user_id: userId, session_id: sessionId, ...page } = request.query
      const { items, nextCursor } = await findEvents(ports, { type, userId, sessionId }, pageOf(page))
      return { events: items.map(eventView), next_cursor: nextCursor }
    }
  )
}
