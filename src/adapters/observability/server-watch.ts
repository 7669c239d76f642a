import { Counter, Gauge, Histogram, type Metric } from 'prom-client'
import { inOneLine } from '../../ports/errors.js'
import type { ServerWatch } from '../../ports/metrics.js'
import type { Log } from '../../ports/runtime.js'

export interface WatchedServer {
  /** The beginning of the names of its metrics, such as `database`. */
  readonly name: 'database' | 'redis'
  readonly log: Log
  /** How long no operation may succeed, in milliseconds, until the server counts as lost. 0: from the first failure. */
  readonly lostAfterMilliseconds: number
  /** What the log says when the server is lost, and when it is back. */
  readonly messages: { readonly lost: string; readonly back: string }
  /** A clock in milliseconds that never jumps. */
  readonly monotonic?: () => number
}

/** A watch, and what it measures, to be added to a registry. */
export interface MeasuringWatch extends ServerWatch {
  readonly metrics: readonly Metric[]
}

/** From a statement on the same machine up to the time-outs of statements. */
const durationBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Measures the operations on one server, and logs one line when the server is lost and one when it is back. */
export function watchServer(watched: WatchedServer): MeasuringWatch {
  const { name, log, lostAfterMilliseconds, messages, monotonic = () => performance.now() } = watched
  let failingSince: number | undefined
  let lostSince: number | undefined

  const durations = new Histogram({
    name: `latchkey_${name}_operation_duration_seconds`,
    help: `How long operations of the ${name} took, without waiting for their turn.`,
    buckets: durationBuckets,
    registers: []
  })
  const failures = new Counter({
    name: `latchkey_${name}_failures_total`,
    help: `Operations that the ${name} could not serve.`,
    registers: []
  })
  const up = new Gauge({
    name: `latchkey_${name}_up`,
    help: `Whether the ${name} serves.`,
    registers: [],
    collect() {
      this.set(lostSince === undefined ? 1 : 0)
    }
  })

  return {
    metrics: [durations, failures, up],

    async time(operation) {
      const startedAt = monotonic()
      try {
        return await operation()
      } finally {
        durations.observe((monotonic() - startedAt) / 1000)
      }
    },

    served() {
      failingSince = undefined
      if (lostSince === undefined) return
      log.info({ seconds: Math.round((monotonic() - lostSince) / 1000) }, messages.back)
      lostSince = undefined
    },

    failed(error) {
      failures.inc()
      const now = monotonic()
      failingSince ??= now
      if (lostSince !== undefined || now - failingSince < lostAfterMilliseconds) return
      lostSince = failingSince
      log.warn({ reason: inOneLine(error) }, messages.lost)
    }
  }
}
