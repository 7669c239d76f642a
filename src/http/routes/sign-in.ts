import type { FastifyRequest } from 'fastify'
import { requestLimits } from '../../core/rate-limits.js'
import type { Mode } from '../../core/vocabulary.js'
import { login } from '../../service/sign-in/login.js'
import { register, registerUnconfirmed } from '../../service/sign-in/register.js'
import type { HttpContext, Routes } from '../context.js'
import { isOurs } from '../cookies/ownership.js'
import { actorOf, sendSignedIn, tokensInCookies } from '../credentials.js'
import { describe } from '../describe.js'
import { sendJson } from '../host/own-bodies.js'
import { requireOwnOrigin } from '../origin-check.js'
import { perNetwork } from '../rate-limits.js'
import { AcceptedResponse } from '../schemas/recovery.js'
import { LoginBody, RegisterBody, TokenResponse } from '../schemas/sign-in.js'

/** POST /register, POST /login; neither with `PASSWORD_LOGIN=off`. */
export const signInRoutes: Routes = (app, context) => {
  const { policy } = context.ports
  if (!policy.passwordLogin) return
  const isClosed = policy.registration !== 'open'
  const isConfirmedFirst = policy.emailVerification === 'required'
  const problems = [
    'mode_not_allowed',
    'ambiguous_credentials',
    'password_too_short',
    'password_too_common',
    'password_too_long',
    'forbidden_origin',
    'too_many_requests',
    'unavailable'
  ] as const
  const refusesAll = {
    description: 'Refuses every request, because `REGISTRATION` is not `open`.',
    onlyProblems: ['forbidden_origin', 'registration_closed', 'too_many_requests']
  } as const
  const answered = isConfirmedFirst
    ? ({
        description:
          'Mails a link to the address. The first session starts when the address is confirmed (`POST /email/verification/confirm`). If the address has an account already, the answer and its time are the same, and its owner gets a mail that says so.',
        response: { 202: AcceptedResponse },
        problems
      } as const)
    : ({
        description:
          'Unless `REGISTRATION` is `open` (see `GET /features`), every request is refused. With `EMAIL_VERIFICATION=required` the response is 202 and starts no session.',
        response: { 201: TokenResponse },
        problems: [...problems, 'email_taken']
      } as const)
  app.post(
    '/register',
    {
      config: perNetwork(requestLimits.register),
      ...describe({
        summary: isConfirmedFirst ? 'Create an account' : 'Create an account and its first session',
        body: RegisterBody,
        ...answered,
        ...(isClosed && refusesAll)
      })
    },
    async (request, reply) => {
      const { email, password, locale } = request.body
      const input = { email, password, locale, ...requestedSession(request, request.body, context) }
      if (isConfirmedFirst) {
        await registerUnconfirmed(context.ports, input, actorOf(request))
        return sendJson(reply.code(202), {})
      }
      const credentials = await register(context.ports, input, actorOf(request))
      return sendSignedIn(request, reply.code(201), credentials, context)
    }
  )

  app.post(
    '/login',
    {
      ...describe({
        summary: 'Start a session',
        description:
          'Always starts a new session, and ends the session whose cookie the request carries. A client that has signed in to this account before sends its device cookie or `device_token`; wrong passwords from other clients then do not slow it down.',
        body: LoginBody,
        response: { 200: TokenResponse },
        problems: [
          'mode_not_allowed',
          'ambiguous_credentials',
          'invalid_credentials',
          'email_not_verified',
          'forbidden_origin',
          'too_many_requests',
          'unavailable'
        ]
      })
    },
    async (request, reply) => {
      const { email, password, device_token: deviceTokenInBody } = request.body
      const session = requestedSession(request, request.body, context)
      // A device token gives no access, so of several none is dangerous: one in the body counts, else the first of ours.
      const inCookies = tokensInCookies(request, 'device', context)
      const deviceToken = deviceTokenInBody ?? inCookies.find(({ token }) => isOurs('device', token, context))?.token
      const credentials = await login(context.ports, { email, password, ...session, deviceToken }, actorOf(request))
      return sendSignedIn(request, reply, credentials, context)
    }
  )
}

/** The session that the client asks for. A session in a cookie is started only for our own pages. */
export function requestedSession(
  request: FastifyRequest,
  { mode = 'cookie', device }: { readonly mode?: Mode; readonly device?: string },
  context: HttpContext
) {
  if (mode !== 'cookie' && mode !== 'session') return { mode, device, replacedTokens: [] }
  requireOwnOrigin(request, context)
  const replacedTokens = tokensInCookies(request, mode === 'session' ? 'session' : 'refresh', context)
  return { mode, device, replacedTokens }
}
