import { startReset } from '../../../service/recovery/start-reset.js'
import type { Routes } from '../../context.js'
import { actorOf } from '../../credentials.js'
import { describe } from '../../describe.js'
import { PasswordResetBody, PasswordResetResponse, passwordResetView } from '../../schemas/admin/password-resets.js'
import { IdParams } from '../../schemas/shared.js'

/** POST /admin/users/:id/password-reset. */
export const adminPasswordResetRoutes: Routes = (app, { ports }) => {
  app.post(
    '/admin/users/:id/password-reset',
    describe({
      summary: 'Start the reset of a user’s password',
      description:
        'Mails a one-time link to the user, or returns it, to be handed over. With `end_sessions`, for a compromised account, all sessions of the user end, and the old password is removed.',
      params: IdParams,
      body: PasswordResetBody,
      response: { 200: PasswordResetResponse },
      problems: ['mail_not_configured']
    }),
    async (request) => {
      const { deliver, end_sessions: endSessions = false, reason: note } = request.body
      const reset = { deliver, endSessions, note }
      return passwordResetView(await startReset(ports, request.params.id, reset, actorOf(request)))
    }
  )
}
