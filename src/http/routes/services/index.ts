import type { Routes } from '../../context.js'
import { requireService } from '../../service-credentials.js'
import { takeForms } from './form-body.js'
import { revocationsRoutes } from './revocations.js'
import { tokenRoutes } from './tokens.js'

/** All routes for other services. One guard protects the whole scope, so no route needs its own. */
export const serviceRoutes: Routes = (scope, context) => {
  requireService(scope, context)
  takeForms(scope)
  for (const add of [tokenRoutes, revocationsRoutes]) add(scope, context)
}
