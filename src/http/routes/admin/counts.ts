import { readCounts } from '../../../service/admin/listings.js'
import type { Routes } from '../../context.js'
import { describe } from '../../describe.js'
import { CountsResponse, minuteView } from '../../schemas/admin/counts.js'

/** GET /admin/counts: live sessions, and what happened in the last hour. */
export const adminCountRoutes: Routes = (app, { ports }) => {
  app.get(
    '/admin/counts',
    describe({ summary: 'The activity of the last hour', response: { 200: CountsResponse } }),
    async () => {
      const { sessions, minutes } = await readCounts(ports)
      return { sessions, minutes: minutes.map(minuteView) }
    }
  )
}
