import { countMails, findMails } from '../../../service/admin/listings.js'
import type { Routes } from '../../context.js'
import { describe } from '../../describe.js'
import { MailCountsResponse, MailsPage, MailsQuery, mailView } from '../../schemas/admin/mails.js'
import { pageOf } from '../../schemas/shared.js'

/** GET /admin/mails and /admin/mails/counts: what became of the mails of the last days. */
export const adminMailRoutes: Routes = (app, { ports }) => {
  app.get(
    '/admin/mails',
    describe({
      summary: 'The mails of the last days, newest first',
      description: 'Waiting mails, and those that were done in the last 7 days. Neither their content nor their links.',
      querystring: MailsQuery,
      response: { 200: MailsPage }
    }),
    async (request) => {
      const { user_id: userId, state, ...page } = request.query
      const { items, nextCursor } = await findMails(ports, { userId, state }, pageOf(page))
      return { mails: items.map(mailView), next_cursor: nextCursor }
    }
  )

  app.get(
    '/admin/mails/counts',
    describe({ summary: 'How many mails of the last days are in each state', response: { 200: MailCountsResponse } }),
    async () => countMails(ports)
  )
}
