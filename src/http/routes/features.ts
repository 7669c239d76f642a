import type { HttpContext, Routes } from '../context.js'
import { describe } from '../describe.js'
import { FeaturesResponse } from '../schemas/features.js'

/** Short: a client that has cached the features learns of a changed setting within a minute of the restart. */
const maxAgeSeconds = 60

/** Without passwords nobody registers, and no invitation is made: its link would ask for a password. */
function registrationOf({ registration, passwordLogin }: HttpContext['ports']['policy']) {
  return passwordLogin ? registration : 'closed'
}

/** GET /features. What the service does not offer yet is a constant. */
export const featureRoutes: Routes = (app, { ports }) => {
  app.get(
    '/features',
    describe({
      summary: 'What this service offers, for clients and sign-in forms',
      tag: 'discovery',
      response: { 200: FeaturesResponse }
    }),
    async (_request, reply) => {
      reply.header('cache-control', `public, max-age=${maxAgeSeconds}`)
      return {
        registration: registrationOf(ports.policy),
        password_login: ports.policy.passwordLogin,
        password_min_length: ports.policy.passwordMinLength,
        mail: ports.mail.isConfigured,
        email_verification: ports.policy.emailVerification,
        modes: [...ports.policy.modes],
        passkeys: false,
        totp: false,
        refresh_grace_seconds: ports.policy.graceSeconds,
        locales: [...ports.languages.tags]
      }
    }
  )
}
