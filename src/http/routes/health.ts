import type { Routes } from '../context.js'
import { describe } from '../describe.js'
import { HealthResponse } from '../schemas/index.js'

/** GET /healthz: the process answers. GET /readyz: what it stands on does, too. */
export const healthRoutes: Routes = (app, { ports }) => {
  app.get(
    '/healthz',
    { logLevel: 'warn', schema: describe({ summary: 'Alive', tag: 'health', response: { 200: HealthResponse } }) },
    async () => ({ status: 'ok' as const })
  )

  app.get(
    '/readyz',
    {
      logLevel: 'warn',
      schema: describe({
        summary: 'Database and signing key can be used',
        tag: 'health',
        response: { 200: HealthResponse },
        problems: ['unavailable']
      })
    },
    async () => {
      await ports.readiness()
      return { status: 'ok' as const }
    }
  )
}
