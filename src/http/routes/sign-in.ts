import type { FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { login } from '../../service/sign-in/login.js'
import { register } from '../../service/sign-in/register.js'
import { actorOf, type HttpContext, type Routes } from '../context.js'
import { readCredential } from '../cookies.js'
import { describe } from '../describe.js'
import { requireOwnOrigin } from '../origin-check.js'
import { networkOf, perAddress } from '../rate-limits.js'
import { LoginBody, SignInBody, TokenResponse } from '../schemas/index.js'
import { sendCredentials } from '../token-response.js'

type SignIn = { Body: Static<typeof SignInBody> }
type Login = { Body: Static<typeof LoginBody> }

/** POST /register, POST /login. */
export const signInRoutes: Routes = (app, context) => {
  app.post<SignIn>(
    '/register',
    {
      config: perAddress('register', 120),
      schema: describe({
        summary: 'Make an account and its first session',
        body: SignInBody,
        response: { 201: TokenResponse },
        problems: [
          'invalid_request',
          'mode_not_allowed',
          'ambiguous_credentials',
          'password_too_short',
          'password_too_common',
          'password_too_long',
          'forbidden_origin',
          'email_taken',
          'too_many_requests',
          'unavailable'
        ]
      })
    },
    async (request, reply) => {
      const wish = sessionWish(request, context)
      const { email, password } = request.body
      const credentials = await register(context.ports, { email, password, ...wish }, actorOf(request))
      return sendCredentials(reply.code(201), credentials, context.settings)
    }
  )

  app.post<Login>(
    '/login',
    {
      config: perAddress('login', 300),
      schema: describe({
        summary: 'Start a session',
        description:
          'Always a new session; one whose cookie comes along ends. A client that has signed in to the account before is not held up by the guesses of strangers: it is known by its device cookie or `device_token`.',
        body: LoginBody,
        response: { 200: TokenResponse },
        problems: [
          'invalid_request',
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
      const wish = sessionWish(request, context)
      const deviceToken = presentedDeviceToken(request, context)
      const { email, password } = request.body
      const credentials = await login(
        context.ports,
        { email, password, ...wish, deviceToken, network: networkOf(request) },
        actorOf(request)
      )
      return sendCredentials(reply, credentials, context.settings)
    }
  )
}

/** How the client wants its session. One that is to live in a cookie is not made for another site's page. */
function sessionWish(request: FastifyRequest<SignIn>, context: HttpContext) {
  const { mode = 'cookie', device } = request.body
  if (mode !== 'cookie' && mode !== 'session') return { mode, device, replacedToken: undefined }
  requireOwnOrigin(request, context)
  const kind = mode === 'session' ? 'session' : 'refresh'
  const token = readCredential(request, kind, context.settings)
  return { mode, device, replacedToken: token === undefined ? undefined : ({ kind, token } as const) }
}

/** It proves nothing but that this client has been here, so no choice between two of them can do harm: the body's counts. */
function presentedDeviceToken(request: FastifyRequest<Login>, context: HttpContext): string | undefined {
  const fromCookie = readCredential(request, 'device', context.settings)
  return request.body.device_token ?? fromCookie
}
