import type { HttpContext, Routes, Scope } from '../context.js'
import { requireUser } from '../guards.js'
import { forbidCaching } from '../scope.js'
import { accountRoutes } from './account/account.js'
import { emailLinkRoutes, emailRoutes } from './account/email.js'
import { profileRoutes } from './account/profile.js'
import { recoveryRoutes } from './account/recovery.js'
import { sessionRoutes } from './account/sessions.js'
import { confirmationRoutes, verificationRoutes } from './account/verification.js'
import { adminRoutes } from './admin/index.js'
import { discoveryRoutes } from './discovery.js'
import { errorsPage } from './errors-page.js'
import { featureRoutes } from './features.js'
import { healthRoutes } from './health.js'
import { logoutRoutes } from './logout.js'
import { metricsRoutes } from './metrics.js'
import { pageRoutes } from './pages.js'
import { refreshRoutes } from './refresh.js'
import { serviceRoutes, tokenEndpoint } from './services/index.js'
import { signInRoutes } from './sign-in.js'

/** Adds all routes, in one scope per guard. The guard of a scope protects every route that is added to the scope. */
export function addRoutes(app: Scope, context: HttpContext): void {
  for (const add of [publicRoutes, credentialRoutes, userRoutes, adminRoutes, serviceRoutes, tokenEndpoint]) {
    app.register((scope, _options, done) => {
      add(scope, context)
      done()
    })
  }
}

/** Routes without a guard that need no credential. */
const publicRoutes: Routes = (scope, context) => {
  for (const add of [discoveryRoutes, featureRoutes, healthRoutes, metricsRoutes, errorsPage, pageRoutes]) {
    add(scope, context)
  }
}

/** Routes that hand out, renew and end credentials. They read the credentials themselves. */
const credentialRoutes: Routes = (scope, context) => {
  forbidCaching(scope)
  for (const add of [signInRoutes, refreshRoutes, logoutRoutes, recoveryRoutes, emailLinkRoutes, confirmationRoutes]) {
    add(scope, context)
  }
}

/** Routes of the signed-in user. */
const userRoutes: Routes = (scope, context) => {
  requireUser(scope, context)
  accountRoutes(scope, context)
  emailRoutes(scope, context)
  profileRoutes(scope, context)
  verificationRoutes(scope, context)
  sessionRoutes(scope, context)
}
