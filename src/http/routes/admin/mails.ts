import { findMails, readMailStatus } from '../../../service/admin/listings.js'
import type { Routes } from '../../context.js'
import { describe } from '../../describe.js'
import { MailStatusResponse, MailsPage, MailsQuery, mailView } from '../../schemas/admin/mails.js'
import { pageOf } from '../../schemas/shared.js'

/** GET /admin/mails, GET /admin/mails/status. */
export const adminMailRoutes: Routes = (app, { ports }) => {
  app.get(
    '/admin/mails',
    describe({
      summary: 'The mails of the last 7 days, newest first',
      description: 'Lists mails that wait, and those that ended in the last 7 days, without their content and links.',
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
    '/admin/mails/status',
    describe({
      summary: 'Whether mail is sent, and how many mails are in each state',
      response: { 200: MailStatusResponse }
    }),
    async () => readMailStatus(ports)
  )
}
