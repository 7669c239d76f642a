import type { Routes } from '../../context.js'
import { requireAdmin } from '../../guards.js'
import { adminClientRoutes } from './clients.js'
import { adminCountRoutes } from './counts.js'
import { adminEventRoutes } from './events.js'
import { adminKeyRoutes } from './keys.js'
import { adminMailRoutes } from './mails.js'
import { adminPasswordResetRoutes } from './password-resets.js'
import { adminSessionRoutes } from './sessions.js'
import { adminUserRoutes } from './users.js'

/** All routes under /admin. One guard protects the whole scope, so no route needs its own. */
export const adminRoutes: Routes = (scope, context) => {
  requireAdmin(scope, context)
  for (const add of [
    adminUserRoutes,
    adminPasswordResetRoutes,
    adminSessionRoutes,
    adminEventRoutes,
    adminMailRoutes,
    adminKeyRoutes,
    adminClientRoutes,
    adminCountRoutes
  ])
    add(scope, context)
}
