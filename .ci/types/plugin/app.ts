import Fastify from 'fastify'
import latchkey, { type Auth, type LatchkeyOptions } from 'latchkey'
import { type SignedInMachine, type SignedInPerson, signedInAs } from 'latchkey/testing'

/** check.js compiles this once for each kind of app. */
export async function build(options: LatchkeyOptions) {
  const app = Fastify()
  await app.register(latchkey, options)
  const { authenticate, authenticateOptional, requireRole, requireRecentLogin, authOf, sessions } = app.latchkey

  app.get('/reports', { preHandler: authenticate }, async (request) => ({ for: request.auth.userId }))
  app.get('/ops', { onRequest: [authenticate, requireRole('admin')] }, async () => 'for admins only')
  app.get('/page', { preHandler: authenticateOptional }, async (request) => authOf(request)?.userId ?? 'nobody')
  app.route<{ Params: { id: string } }>({
    method: 'DELETE',
    url: '/people/:id/sessions',
    preValidation: authenticate,
    preHandler: [requireRecentLogin(), requireRecentLogin(60)],
    handler: async (request, reply) => reply.send({ ended: await sessions.endSessionsOfUser(request.params.id) })
  })
  await app.register(async (scope) => {
    scope.addHook('onRequest', scope.latchkey.authenticate)
    scope.addHook('preHandler', requireRole('admin'))
    scope.get('/inside', async (request): Promise<Auth> => request.auth)
  })

  app.get('/checked', { preHandler: authenticate }, async (request) => {
    const { auth } = request
    // @ts-expect-error a handler must not replace the user
    request.auth = auth
    // @ts-expect-error nobody may be signed in
    const userId = authOf(request).userId
    // @ts-expect-error the token has no e-mail address
    return [userId, auth.email]
  })
  // @ts-expect-error a role has a name
  app.get('/unnamed', { preHandler: requireRole() }, async () => 'for nobody')
  return app
}

/** What a test of the app does, whatever its kind. */
export async function testApp(options: LatchkeyOptions) {
  const app = await build(options)
  const ada: SignedInPerson<'cookie'> = await signedInAs(app, { roles: ['admin'], attributes: { plan: 'pro' } })
  const token: string = ada.accessToken
  const phone = await signedInAs(app, { userId: ada.userId, mode: 'body', authTime: 1_700_000_000 })
  const refreshToken: string = phone.refreshToken
  const page = await signedInAs(app, { mode: 'session' })
  // @ts-expect-error a session on the server has no access token
  page.accessToken.length
  const machine: SignedInMachine = await signedInAs(app, { scopes: ['reports:read'] })
  // @ts-expect-error a machine has no roles
  await signedInAs(app, { scopes: ['reports:read'], roles: ['admin'] })
  // @ts-expect-error the modes are a closed list
  await signedInAs(app, { mode: 'token' })
  await app.inject({ url: '/reports', headers: ada.headers })
  await fetch('http://localhost:8080/reports', { headers: machine.headers })
  return [token, refreshToken, ...ada.cookies.map(({ name, value }) => `${name}=${value}`)]
}
