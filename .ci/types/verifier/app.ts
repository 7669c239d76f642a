import Fastify from 'fastify'
import { type TestIssuer, testIssuer } from 'latchkey/testing'
import verifier, { type Auth, type Guard, type VerifierOptions } from 'latchkey/verifier'

/** check.js compiles this once for each kind of app. */
export async function build(options: VerifierOptions) {
  const app = Fastify()
  await app.register(verifier, options)
  const { authenticate, authenticateOptional, requireRole, requireRecentLogin, authOf } = app.latchkey

  app.get('/reports', { preHandler: authenticate }, async (request) => ({ for: request.auth.userId }))
  app.get('/ops', { onRequest: [authenticate, requireRole('admin')] }, async () => 'for admins only')
  app.get('/page', { preHandler: authenticateOptional }, async (request) => authOf(request)?.userId ?? 'nobody')
  app.route({
    method: 'DELETE',
    url: '/reports',
    preValidation: authenticate,
    preHandler: [requireRecentLogin(), requireRecentLogin(60)],
    handler: async (request, reply) => reply.send({ by: request.auth.sessionId })
  })
  await app.register(async (scope) => {
    const guards: Guard[] = [scope.latchkey.authenticate, requireRole('admin')]
    scope.addHook('onRequest', scope.latchkey.authenticate)
    scope.get('/inside', { preHandler: guards }, async (request): Promise<Auth> => request.auth)
  })

  app.get('/checked', { preHandler: authenticate }, async (request) => {
    // @ts-expect-error the token has no e-mail address
    const email = request.auth.email
    // @ts-expect-error a verifier cannot end sessions
    return [email, app.latchkey.sessions]
  })
  return app
}

/** What a test of the app does. */
export async function testApp(): Promise<string> {
  const issuer: TestIssuer = await testIssuer({ audience: 'https://api.example', now: () => Date.now() })
  const app = await build(issuer.verifierOptions)
  const token: string = issuer.token({
    sid: 'a-session',
    roles: ['editor'],
    claims: { plan: 'pro' },
    expiresInSeconds: 60
  })
  // @ts-expect-error there is no such option
  issuer.token({ role: 'editor' })
  await issuer.revoke('a-session', 'logged_out')
  await issuer.rotateKey({ revokeOld: true })
  await app.close()
  await issuer.close()
  return token
}
