import { requestLimits } from '../../../core/rate-limits.js'
import { requestAuth } from '../../../core/request-auth.js'
import { confirmEmailChange, requestEmailChange, undoEmailChange } from '../../../service/recovery/change-address.js'
import type { Routes } from '../../context.js'
import { actorOf } from '../../credentials.js'
import { describe } from '../../describe.js'
import { perNetwork } from '../../rate-limits.js'
import { AcceptedResponse, EmailBody, LinkBody } from '../../schemas/recovery.js'
import { EmptyResponse } from '../../schemas/shared.js'

/** POST /email, for the signed-in user. */
export const emailRoutes: Routes = (app, { ports }) => {
  app.post(
    '/email',
    {
      config: perNetwork(requestLimits.forgot),
      ...describe({
        summary: 'Mail a link to a new address of the account',
        description:
          'The address changes when the link is used. If the new address has an account already, the answer and its time are the same, and its owner gets a mail that says so.',
        tag: 'account',
        body: EmailBody,
        response: { 202: AcceptedResponse },
        problems: ['insufficient_user_authentication', 'mail_not_configured', 'too_many_requests']
      })
    },
    async (request, reply) => {
      await requestEmailChange(ports, requestAuth(request), request.body.new_email, actorOf(request))
      reply.code(202)
      return {}
    }
  )
}

/** POST /email/confirm, POST /email/undo: by a mailed link, signed in or not. */
export const emailLinkRoutes: Routes = (app, { ports }) => {
  const problems = ['invalid_or_expired_token', 'email_taken', 'too_many_requests', 'unavailable'] as const

  app.post(
    '/email/confirm',
    {
      config: perNetwork(requestLimits.reset),
      ...describe({
        summary: 'Change the address of an account by the link that was mailed to the new one',
        description:
          'If the old address was confirmed, it gets a mail with a link that undoes the change for 7 days. Sessions go on. `email_taken` means that another account has the address by now. The link can be used when the address is free.',
        tag: 'account',
        body: LinkBody,
        response: { 204: EmptyResponse },
        problems
      })
    },
    async (request, reply) => {
      await confirmEmailChange(ports, request.body.token, actorOf(request))
      return reply.code(204).send()
    }
  )

  app.post(
    '/email/undo',
    {
      config: perNetwork(requestLimits.reset),
      ...describe({
        summary: 'Give an account its old address back by the link that was mailed there',
        description:
          'Ends every session of the user with the reason `revoked_by_user`, removes the password, and mails a link for a new one to the old address.',
        tag: 'account',
        body: LinkBody,
        response: { 204: EmptyResponse },
        problems
      })
    },
    async (request, reply) => {
      await undoEmailChange(ports, request.body.token, actorOf(request))
      return reply.code(204).send()
    }
  )
}
