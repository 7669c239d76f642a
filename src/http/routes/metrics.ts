import { Type } from 'typebox'
import type { Routes } from '../context.js'
import { describe } from '../describe.js'

const MetricsResponse = Type.String({ description: 'docs/operations.md explains each metric.' })

/** GET /metrics, for Prometheus. It contains no user, no session and no token. */
export const metricsRoutes: Routes = (app, { ports: { metrics } }) => {
  app.get(
    '/metrics',
    {
      logLevel: 'warn',
      ...describe({
        summary: 'The metrics of this process in the Prometheus text format',
        tag: 'health',
        response: { 200: { description: 'Text', content: { 'text/plain': { schema: MetricsResponse } } } }
      })
    },
    async (_request, reply) =>
      reply
        .type(metrics.contentType)
        .header('cache-control', 'no-store')
        .send(await metrics.text())
  )
}
