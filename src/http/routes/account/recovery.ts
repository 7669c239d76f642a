import { requestLimits } from '../../../core/rate-limits.js'
import { forgotPassword } from '../../../service/recovery/forgot-password.js'
import { resetPassword } from '../../../service/recovery/reset-password.js'
import type { Routes } from '../../context.js'
import { actorOf } from '../../credentials.js'
import { describe } from '../../describe.js'
import { perNetwork } from '../../rate-limits.js'
import { AcceptedResponse, ForgotPasswordBody, ResetPasswordBody } from '../../schemas/recovery.js'
import { EmptyResponse } from '../../schemas/shared.js'

/** POST /password/forgot, POST /password/reset; neither with `PASSWORD_LOGIN=off`. */
export const recoveryRoutes: Routes = (app, { ports }) => {
  if (!ports.policy.passwordLogin) return
  app.post(
    '/password/forgot',
    {
      config: perNetwork(requestLimits.forgot),
      ...describe({
        summary: 'Mail a link for a new password',
        description:
          'The answer and its time are the same whether or not the address has an account. At most three such mails in half an hour go to one address. The link works once, for 30 minutes after it was sent.',
        tag: 'account',
        body: ForgotPasswordBody,
        response: { 202: AcceptedResponse },
        problems: ['mail_not_configured', 'too_many_requests', 'unavailable']
      })
    },
    async (request, reply) => {
      await forgotPassword(ports, request.body.email, actorOf(request))
      reply.code(202)
      return {}
    }
  )

  app.post(
    '/password/reset',
    {
      config: perNetwork(requestLimits.reset),
      ...describe({
        summary: 'Set a new password by a one-time link',
        description:
          'Ends every session of the user with the reason `password_reset`, and starts none: log in with the new password. Takes the link of a reset or of an invitation. A password that is refused does not use up the link.',
        tag: 'account',
        body: ResetPasswordBody,
        response: { 204: EmptyResponse },
        problems: [
          'invalid_or_expired_token',
          'password_too_short',
          'password_too_common',
          'password_too_long',
          'too_many_requests',
          'unavailable'
        ]
      })
    },
    async (request, reply) => {
      const { token, new_password: newPassword } = request.body
      await resetPassword(ports, { token, newPassword }, actorOf(request))
      return reply.code(204).send()
    }
  )
}
