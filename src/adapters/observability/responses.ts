import { Counter, Histogram, type Registry } from 'prom-client'
import type { Metrics } from '../../ports/metrics.js'

/** From a request that needs no database up to the time-out of a request. */
const durationBuckets = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Counts the responses by status, and measures them by route. */
export function responseMetrics(registry: Registry): Metrics['noteResponse'] {
  const registers = [registry]
  const responses = new Counter({
    name: 'latchkey_responses_total',
    help: 'Responses of the routes, by status.',
    labelNames: ['status'],
    registers
  })
  // So that the first of these shows as an increase.
  for (const status of ['200', '500', '503']) responses.inc({ status }, 0)
  const durations = new Histogram({
    name: 'latchkey_request_duration_seconds',
    help: 'From the arrival of a request to the end of its response, by route, method and class of status.',
    labelNames: ['route', 'method', 'status'],
    buckets: durationBuckets,
    registers
  })

  return ({ method, route, status, seconds }) => {
    responses.inc({ status })
    durations.observe({ route, method, status: `${Math.trunc(status / 100)}xx` }, seconds)
  }
}
