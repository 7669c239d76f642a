import { Counter, type Registry } from 'prom-client'
import type { Revocation } from '../../core/revocation-set.js'
import { endedReasons } from '../../core/vocabulary.js'
import {
  type DecisionKind,
  type Decisions,
  decisions,
  type Metrics,
  type MinuteCounts,
  type Outcome
} from '../../ports/metrics.js'
import type { Revocations } from '../../ports/revocations.js'
import type { Clock, Log } from '../../ports/runtime.js'

/** What the service counts while it handles requests. */
export interface Counts extends Pick<Metrics, 'lastHour'> {
  countDecision<Kind extends DecisionKind>(kind: Kind, outcome: Outcome<Kind>): void
  /** Counts revocations that this process has written. */
  countRevocations(revocations: readonly Revocation[]): void
}

/** A revocation without a `sid` ended all sessions: `everybody`. */
const revocationLabels = [...endedReasons, 'roles_changed', 'secret_deleted', 'everybody'] as const

const answeredRefreshes: readonly Outcome<DecisionKind>[] = [
  'rotated',
  'current',
  'access_only',
  'replayed',
  'replayed_late',
  'recovered',
  'recovered_again',
  'restored'
]

/** Logged at debug level, because honest clients cause these all day. */
const routine: readonly Outcome<DecisionKind>[] = ['rotated', 'current', 'replayed', 'issued']

/**
 * Counts in `registry`, and by the minute. Every label starts at 0, so that its first increase shows as an increase.
 */
export function requestCounts(registry: Registry, clock: Pick<Clock, 'now'>): Counts {
  const counter = (name: string, help: string, labelName: string, labels: readonly string[]) => {
    const total = new Counter({
      name: `latchkey_${name}_total`,
      help,
      labelNames: [labelName],
      registers: [registry]
    })
    for (const label of labels) total.inc({ [labelName]: label }, 0)
    return (label: string) => total.inc({ [labelName]: label })
  }

  const countOutcome = {
    login: counter('logins', 'Logins, by outcome.', 'outcome', decisions.login),
    registration: counter('registrations', 'Registrations, by outcome.', 'outcome', decisions.registration),
    reauthentication: counter(
      'reauthentications',
      'Passwords that signed-in users confirmed, by outcome.',
      'outcome',
      decisions.reauthentication
    ),
    password_reset: counter(
      'password_resets',
      'Password resets, by step or refusal.',
      'outcome',
      decisions.password_reset
    ),
    email_verification: counter(
      'email_verifications',
      'Confirmations of the address of an account, by step or refusal.',
      'outcome',
      decisions.email_verification
    ),
    client_token: counter(
      'client_tokens',
      'Tokens for machine clients, by outcome.',
      'outcome',
      decisions.client_token
    ),
    access: counter('access_refusals', 'Requests that were not allowed, by reason.', 'outcome', decisions.access),
    refresh: counter('refreshes', 'Refreshes, by outcome.', 'outcome', decisions.refresh)
  }
  const countRevocation = counter(
    'revocations',
    'Entries that this process has added to the revocation feed, by reason.',
    'reason',
    revocationLabels
  )
  const hour = lastHour(clock)

  return {
    lastHour: hour.read,
    countDecision(kind, outcome) {
      countOutcome[kind](outcome)
      if (kind === 'login' && outcome === 'succeeded') hour.count('logins')
      if (kind === 'refresh' && answeredRefreshes.includes(outcome)) hour.count('refreshes')
      if (outcome === 'reuse') hour.count('reuse')
    },
    countRevocations(revocations) {
      hour.count('revocations', revocations.length)
      for (const { sid, reason } of revocations) countRevocation(sid === null ? 'everybody' : reason)
    }
  }
}

/** Counts every decision and logs it with the ids of its session and user (ASVS 16.3.1). */
export function decisionLog(counts: Pick<Counts, 'countDecision'>, log: Log): Decisions {
  const levelOf = (outcome: Outcome<DecisionKind>) => {
    if (outcome === 'reuse') return 'warn'
    return routine.includes(outcome) ? 'debug' : 'info'
  }
  return {
    note(kind, outcome, about = {}) {
      counts.countDecision(kind, outcome)
      log[levelOf(outcome)]({ decision: kind, outcome, ...about }, `${kind}: ${outcome}`)
    }
  }
}

/**
 * The same revocations, but `announce` counts and logs each entry. Every entry of this process goes through `announce`.
 */
export function loggedRevocations(
  revocations: Revocations,
  counts: Pick<Counts, 'countRevocations'>,
  log: Log
): Revocations {
  return {
    ...revocations,
    announce(written) {
      counts.countRevocations(written)
      for (const { sid, reason } of written) log.info({ decision: 'revocation', reason, sid }, `revocation: ${reason}`)
      return revocations.announce(written)
    }
  }
}

const minuteMilliseconds = 60_000
const keptMinutes = 60
const noCounts = { logins: 0, refreshes: 0, revocations: 0, reuse: 0 } satisfies Omit<MinuteCounts, 'at'>

/**
 * Counts by the minute and keeps the last hour. Reads `clock` once; after that the process's own time is exact enough.
 */
export function lastHour(clock: Pick<Clock, 'now'>, monotonic: () => number = () => performance.now()) {
  const minutes = new Map<number, typeof noCounts>()
  const offset = clock.now() - monotonic()
  const thisMinute = () => Math.floor((monotonic() + offset) / minuteMilliseconds)

  return {
    count(what: keyof typeof noCounts, times = 1): void {
      const minute = thisMinute()
      const counts = minutes.get(minute)
      if (counts !== undefined) {
        counts[what] += times
        return
      }
      minutes.set(minute, { ...noCounts, [what]: times })
      for (const old of minutes.keys()) if (old <= minute - keptMinutes) minutes.delete(old)
    },
    read(): MinuteCounts[] {
      const first = thisMinute() - keptMinutes + 1
      return Array.from({ length: keptMinutes }, (_, index) => {
        const minute = first + index
        return { at: minute * minuteMilliseconds, ...(minutes.get(minute) ?? noCounts) }
      })
    }
  }
}
