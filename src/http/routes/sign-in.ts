import type { FastifyRequest } from 'fastify'
import { requestLimits } from '../../core/rate-limits.js'
import type { Mode } from '../../core/vocabulary.js'
import { login } from '../../service/sign-in/login.js'
import { register } from '../../service/sign-in/register.js'
import type { HttpContext, Routes } from '../context.js'
import { isOurs } from '../cookies/ownership.js'
import { actorOf, sendSignedIn, tokensInCookies } from '../credentials.js'
import { describe } from '../describe.js'
import { requireOwnOrigin } from '../origin-check.js'
import { perNetwork } from '../rate-limits.js'
import { LoginBody, RegisterBody, TokenResponse } from '../schemas/sign-in.js'

/** POST /register, POST /login. */
export const signInRoutes: Routes = (app, context) => {
  const isClosed = context.ports.policy.registration !== 'open'
  app.post(
    '/register',
    {
      config: perNetwork(requestLimits.register),
      ...describe({
        summary: 'Create an account and its first session',
        description: isClosed
          ? 'Refuses every request, because `REGISTRATION` is not `open`.'
          : 'Unless `REGISTRATION` is `open` (see `GET /features`), every request is refused.',
        body: RegisterBody,
        response: { 201: TokenResponse },
        problems: [
          'mode_not_allowed',
          'ambiguous_credentials',
          'password_too_short',
          'password_too_common',
          'password_too_long',
          'forbidden_origin',
          'email_taken',
          'too_many_requests',
          'unavailable'
        ],
        onlyProblems: isClosed ? ['forbidden_origin', 'registration_closed', 'too_many_requests'] : undefined
      })
    },
    async (request, reply) => {
      const { email, password } = request.body
      const session = requestedSession(request, request.body, context)
      const credentials = await register(context.ports, { email, password, ...session }, actorOf(request))
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
function requestedSession(
  request: FastifyRequest,
  { mode = 'cookie', device }: { readonly mode?: Mode; readonly device?: string },
  context: HttpContext
) {
  if (mode !== 'cookie' && mode !== 'session') return { mode, device, replacedTokens: [] }
  requireOwnOrigin(request, context)
  const replacedTokens = tokensInCookies(request, mode === 'session' ? 'session' : 'refresh', context)
  return { mode, device, replacedTokens }
}
