import { Authenticator } from '@fastify/passport'
import secureSession from '@fastify/secure-session'
import Fastify from 'fastify'
import latchkey from 'latchkey'
import { OpenIdStrategy } from './openid-strategy.js'

/** An app whose people sign in at an OpenID provider. Passport proves who they are, and Latchkey has their sessions. */
export async function buildApp({ base, dataDir, provider, sessionKey }) {
  const app = Fastify()
  // Lax, because the provider sends the browser back from another site.
  const cookie = { path: '/sign-in', httpOnly: true, sameSite: 'lax', secure: false }
  await app.register(secureSession, { key: sessionKey, cookie, cookieName: 'sign-in' })

  const passport = new Authenticator()
  passport.use(new OpenIdStrategy({ ...provider, redirectUri: `${base}/sign-in` }))
  await app.register(passport.initialize())

  const issuer = `${base}/auth`
  await app.register(latchkey, { prefix: '/auth', dataDir, issuer, cookieSecure: false, passwordLogin: false })
  const { authenticate, startSession } = app.latchkey

  const openid = passport.authenticate('openid', { session: false, assignProperty: 'person' })
  app.decorateRequest('person')
  app.get('/sign-in', { preValidation: openid }, async (request, reply) => {
    const { iss, sub, email, email_verified: emailVerified, groups = [] } = request.person
    // A `sub` is unique at its provider only.
    const externalId = `${iss} ${sub}`
    const roles = groups.includes('staff') ? ['staff'] : []
    // Latchkey takes the address only if the provider says that the person receives its mail.
    await startSession(reply, { externalId, email, emailVerified, amr: ['fed'], roles })
    return reply.redirect('/')
  })

  app.get('/', async () => 'The page. Its script gets an access token by POST /auth/refresh.')
  app.get('/hello', { preHandler: authenticate }, async ({ auth }) => ({ id: auth.userId, roles: auth.roles }))
  return app
}
