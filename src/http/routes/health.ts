import { Type } from 'typebox'
import type { Routes } from '../context.js'
import { describe } from '../describe.js'

const HealthResponse = Type.Object({ status: Type.Literal('ok') })

/** GET /healthz: the process runs. GET /readyz: the database, its schema and the signing key work too. */
export const healthRoutes: Routes = (app, { ports }) => {
  app.get(
    '/healthz',
    {
      logLevel: 'warn',
      ...describe({ summary: 'The process runs', tag: 'health', response: { 200: HealthResponse } })
    },
    async () => ({ status: 'ok' as const })
  )

  app.get(
    '/readyz',
    {
      logLevel: 'warn',
      ...describe({
        summary: 'The database, its schema and the signing key work',
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
