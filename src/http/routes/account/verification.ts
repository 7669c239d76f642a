import { requestLimits } from '../../../core/rate-limits.js'
import { requestAuth } from '../../../core/request-auth.js'
import { confirmVerification, requestVerification } from '../../../service/recovery/verify-email.js'
import type { Routes } from '../../context.js'
import { actorOf, sendSignedIn } from '../../credentials.js'
import { describe } from '../../describe.js'
import { perNetwork } from '../../rate-limits.js'
import { AcceptedResponse, ConfirmBody } from '../../schemas/recovery.js'
import { EmptyResponse } from '../../schemas/shared.js'
import { TokenResponse } from '../../schemas/sign-in.js'
import { requestedSession } from '../sign-in.js'

/** POST /email/verification, for the signed-in user. */
export const verificationRoutes: Routes = (app, { ports }) => {
  app.post(
    '/email/verification',
    {
      config: perNetwork(requestLimits.forgot),
      ...describe({
        summary: 'Mail a link that confirms the address of the account',
        description:
          'Mails at most one link a minute, and three in half an hour; further requests get the same answer. Mails nothing if the address is confirmed already (`email_verified` of `GET /me`). The link works once, for 24 hours.',
        tag: 'account',
        response: { 202: AcceptedResponse },
        problems: ['mail_not_configured', 'too_many_requests']
      })
    },
    async (request, reply) => {
      await requestVerification(ports, requestAuth(request), actorOf(request))
      reply.code(202)
      return {}
    }
  )
}

/** POST /email/verification/confirm, which needs no login. */
export const confirmationRoutes: Routes = (app, context) => {
  app.post(
    '/email/verification/confirm',
    {
      config: perNetwork(requestLimits.confirm),
      ...describe({
        summary: 'Confirm the address of an account by a mailed link',
        description:
          'If the account waited for this (`EMAIL_VERIFICATION=required`), the answer is 200 and starts the first session, as `POST /login` does. Its `amr` is `email`, because the link proves that the person reads the mail, and no password was asked for. Otherwise the answer is 204, and sessions stay as they are. With `PASSWORD_LOGIN=off` an account that waited is refused (`registration_closed`).',
        tag: 'account',
        body: ConfirmBody,
        response: { 200: TokenResponse, 204: EmptyResponse },
        problems: [
          'mode_not_allowed',
          'invalid_or_expired_token',
          'registration_closed',
          'invalid_credentials',
          'forbidden_origin',
          'too_many_requests',
          'unavailable'
        ]
      })
    },
    async (request, reply) => {
      const { token } = request.body
      const session = requestedSession(request, request.body, context)
      const signedIn = await confirmVerification(context.ports, { token, ...session }, actorOf(request))
      if (signedIn === undefined) return reply.code(204).send()
      return sendSignedIn(request, reply, signedIn, context)
    }
  )
}
