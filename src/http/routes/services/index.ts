import { serviceScopes } from '../../../core/scopes.js'
import { requireService } from '../../clients/require-service.js'
import { answerTokenErrors } from '../../clients/token-errors.js'
import type { Routes } from '../../context.js'
import { forbidCaching } from '../../scope.js'
import { takeForms } from './form-body.js'
import { introspectRoutes } from './introspect.js'
import { revocationsRoutes } from './revocations.js'
import { revokeRoutes } from './revoke.js'
import { tokenRoutes } from './token.js'

const routesOf = {
  'latchkey:introspect': introspectRoutes,
  'latchkey:revoke': revokeRoutes,
  'latchkey:feed': revocationsRoutes
} as const

/** All routes for other services, in one scope for each of our own scopes. The guard of a scope protects all its routes. */
export const serviceRoutes: Routes = (app, context) => {
  for (const required of serviceScopes) {
    app.register((scope, _options, done) => {
      requireService(scope, context, required)
      takeForms(scope)
      routesOf[required](scope, context)
      done()
    })
  }
}

/** The token endpoint. It reads the client's credential itself. */
export const tokenEndpoint: Routes = (scope, context) => {
  forbidCaching(scope)
  takeForms(scope)
  answerTokenErrors(scope, context)
  tokenRoutes(scope, context)
}
