import { readCounts } from '../../../service/admin/sessions.js'
import type { Routes } from '../../context.js'
import { describe } from '../../describe.js'
import { adminGuards } from '../../guards.js'
import { CountsResponse } from '../../schemas/index.js'
import { minuteView } from '../../views.js'

/** GET /admin/counts: what ops see move. */
export const adminCountRoutes: Routes = (app, context) => {
  app.get(
    '/admin/counts',
    {
      preHandler: adminGuards(context),
      schema: describe({
        summary: 'How much is going on',
        tag: 'admin',
        guarded: true,
        response: { 200: CountsResponse },
        problems: ['insufficient_scope', 'unavailable']
      })
    },
    async () => {
      const { sessions, minutes } = await readCounts(context.ports)
      return { sessions, minutes: minutes.map(minuteView) }
    }
  )
}
