import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { issuerAddresses } from '../../core/issuer-addresses.js'
import type { Ports } from '../../ports/index.js'
import type { Routes } from '../context.js'
import { describe } from '../describe.js'
import { AccessLog } from '../log/access-log.js'
import { sendClientError, sendNotFound, sendProblem } from '../problem.js'

const MetricsResponse = Type.String({ description: 'docs/watching.md explains each metric.' })

/**
 * GET /metrics, for Prometheus. It contains no user, no session and no token, but it shows how busy the service is.
 * So in production it is not among the public routes.
 */
export const metricsRoutes: Routes = (app, { ports: { metrics }, settings: { production, metricsPort } }) => {
  if (production || metricsPort !== undefined) return
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
    async (_request, reply) => sendMetrics(reply, metrics)
  )
}

/**
 * Serves GET /metrics and nothing else on `metricsPort`, from the time when `app` is ready until it has closed. `app`
 * fails to start if the port is not free.
 */
export function listenForMetrics(
  app: FastifyInstance,
  ports: Ports,
  { host, metricsPort: port }: { readonly host: string; readonly metricsPort?: number | undefined }
): void {
  if (port === undefined) return
  // Whole, because the explanations are not on this port.
  const { base, path, errors } = issuerAddresses(ports.identity.issuer)
  const errorsUrl = `${base}${errors.slice(path.length)}`
  const listener = Fastify({
    loggerInstance: app.log,
    logController: new AccessLog(),
    requestTimeout: 10_000,
    forceCloseConnections: 'idle',
    clientErrorHandler: (error, socket) => sendClientError(error, socket, errorsUrl),
    frameworkErrors: (error, request, reply) => void sendProblem(request, reply, error, errorsUrl)
  })
  listener.setErrorHandler((error, request, reply) => sendProblem(request, reply, error, errorsUrl))
  listener.setNotFoundHandler((request, reply) => sendNotFound(request, reply, [], errorsUrl))
  listener.get('/metrics', { logLevel: 'warn' }, async (_request, reply) => sendMetrics(reply, ports.metrics))

  app.addHook('onReady', async () => {
    try {
      await listener.listen({
        host,
        port,
        listenTextResolver: (address) => `Latchkey shows metrics at ${address}/metrics`
      })
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
      throw new Error(
        `Port ${port} of ${host} is taken. Stop the process that listens there, or set METRICS_PORT to another port.`
      )
    }
  })
  app.addHook('onClose', () => listener.close())
}

async function sendMetrics(reply: FastifyReply, metrics: Ports['metrics']): Promise<FastifyReply> {
  return reply
    .type(metrics.contentType)
    .header('cache-control', 'no-store')
    .send(await metrics.text())
}
