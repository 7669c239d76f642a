import type { DecisionKind, Decisions, Outcome } from '../../ports/metrics.js'
import type { Revocations } from '../../ports/revocations.js'
import type { ServiceMetrics } from './metrics.js'

/** What of a pino logger is needed. */
export type DecisionLogger = Readonly<Record<'debug' | 'info' | 'warn', (fields: object, message: string) => void>>

/** What an honest client does all day: it would drown what is worth reading. */
const usual: readonly Outcome<DecisionKind>[] = ['rotated', 'current', 'replayed']

/** Counts every decision and logs it by the ids of its session and user (ASVS 16.3.1). */
export function decisionLog(
  metrics: Pick<ServiceMetrics, 'countDecision'>,
  log: DecisionLogger | undefined
): Decisions {
  return {
    note(kind, outcome, about = {}) {
      metrics.countDecision(kind, outcome)
      log?.[levelOf(outcome)]({ decision: kind, outcome, ...about }, `${kind}: ${outcome}`)
    }
  }
}

function levelOf(outcome: Outcome<DecisionKind>): keyof DecisionLogger {
  if (outcome === 'reuse') return 'warn'
  return usual.includes(outcome) ? 'debug' : 'info'
}

/** `revocations` that counts and logs each that this process has written: all of them pass through `announce`. */
export function notedRevocations(
  revocations: Revocations,
  metrics: Pick<ServiceMetrics, 'countRevocations'>,
  log: DecisionLogger | undefined
): Revocations {
  return {
    ...revocations,
    announce(written) {
      metrics.countRevocations(written)
      for (const { sid, reason } of written) log?.info({ decision: 'revocation', reason, sid }, `revocation: ${reason}`)
      return revocations.announce(written)
    }
  }
}
