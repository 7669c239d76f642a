import type { Routes } from '../context.js'
import { describe } from '../describe.js'
import { MetricsResponse } from '../schemas/index.js'

/** GET /metrics, for Prometheus. Names no person, no session and no token. */
export const metricsRoutes: Routes = (app, { ports: { metrics } }) => {
  app.addHook('onResponse', async (_request, reply) => metrics.countResponse(reply.statusCode))

  app.get(
    '/metrics',
    {
      logLevel: 'warn',
      schema: describe({
        summary: 'What this process has counted and sees now, in the text format of Prometheus',
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
