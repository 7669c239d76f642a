import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { activeKey, type KeyTimes, keyStates, withStates } from '../../core/key-rotation.js'
import { endedReasons } from '../../core/reasons.js'
import type { Revocation } from '../../core/revocation.js'
import type { QueueLoad } from '../../ports/metrics.js'
import { type DecisionKind, decisions, type Metrics, type Outcome } from '../../ports/metrics.js'
import type { RevocationFeed } from '../../ports/revocations.js'
import type { Clock } from '../../ports/runtime.js'
import { lastHour } from './last-hour.js'

/** What is looked at whenever somebody reads the metrics. None of it costs I/O. */
export interface MetricSources {
  readonly clock: Pick<Clock, 'now'>
  readonly feed: Pick<RevocationFeed, 'follow' | 'state'>
  readonly keys: () => readonly KeyTimes[]
  readonly passwordQueue: () => QueueLoad
  readonly database: () => QueueLoad
}

export interface ServiceMetrics extends Metrics {
  countDecision<Kind extends DecisionKind>(kind: Kind, outcome: Outcome<Kind>): void
  /** Counts what this process has written. */
  countRevocations(revocations: readonly Revocation[]): void
}

/** An entry that names no session ended all of them. */
const revocationReasons = [...endedReasons, 'roles_changed', 'everybody'] as const

const answeredRefreshes: readonly Outcome<DecisionKind>[] = ['rotated', 'current', 'replayed', 'recovered', 'restored']

/** From what a push takes on one machine to what no push takes. */
const delayBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/**
 * The metrics of one app, in a registry of its own, so that several apps in one process each count
 * their own. Every label has a few fixed values, and stands at 0 from the start, so that a first
 * increase is seen as one.
 */
export function serviceMetrics(sources: MetricSources): ServiceMetrics {
  const registry = new Registry()
  const registers = [registry]
  const counter = (name: string, help: string, label: string, values: readonly string[]) => {
    const made = new Counter<string>({ name: `latchkey_${name}_total`, help, labelNames: [label], registers })
    for (const value of values) made.inc({ [label]: value }, 0)
    return (value: string) => made.inc({ [label]: value })
  }

  const countOf = {
    login: counter('logins', 'Logins, by outcome.', 'outcome', decisions.login),
    registration: counter('registrations', 'Registrations, by outcome.', 'outcome', decisions.registration),
    refresh: counter('refreshes', 'Refreshes, by what the token was worth.', 'outcome', decisions.refresh)
  }
  const countRevocation = counter(
    'revocations',
    'Entries that this process has added to the feed of revocations, by reason.',
    'reason',
    revocationReasons
  )
  const countStatus = counter('responses', 'Responses of the routes, by status.', 'status', ['200', '503'])
  const hour = lastHour(sources.clock)
  measureDelays(sources, registers)
  watchFeed(sources, registers)
  watchKeys(sources, registers)
  watchQueues(sources, registers)

  return {
    contentType: registry.contentType,
    text: async () => (await registry.metrics()) + (await processRegistry().metrics()),
    lastHour: hour.read,
    countResponse: (status) => countStatus(String(status)),
    countDecision(kind, outcome) {
      countOf[kind](outcome)
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

type Registers = readonly Registry[]

function measureDelays({ feed, clock }: MetricSources, registers: Registers): void {
  const delay = new Histogram({
    name: 'latchkey_revocation_delay_seconds',
    help: 'From the moment a revocation was written, on whichever instance, until this process refused by it.',
    buckets: delayBuckets,
    registers: [...registers]
  })
  // Followed as long as the feed lives, which is as long as the app.
  feed.follow((revocations) => {
    const now = clock.now()
    for (const { at } of revocations) delay.observe(Math.max(0, now - at) / 1000)
  })
}

function watchFeed({ feed }: MetricSources, registers: Registers): void {
  gauge('feed_connected', 'Whether news of revocations arrive by push.', registers, () =>
    Number(feed.state().connected)
  )
  gauge('feed_stale', 'Whether what others revoke has been unknown for too long.', registers, () =>
    Number(feed.state().stale)
  )
  gauge(
    'feed_lag_seconds',
    'Since this process last knew of every revocation.',
    registers,
    () => feed.state().lagSeconds
  )
  gauge('live_revocations', 'Entries that are held in memory.', registers, () => feed.state().size)
}

function watchKeys({ keys, clock }: MetricSources, registers: Registers): void {
  labelledGauge('signing_keys', 'Signing keys, by state.', registers, () => {
    const states = withStates(keys(), clock.now()).map(({ state }) => state)
    return keyStates.map((state) => [state, states.filter((other) => other === state).length])
  })
  gauge('signing_key_age_seconds', 'Since the active signing key began to sign.', registers, () => {
    const now = clock.now()
    const active = activeKey(keys(), now)
    return active === undefined ? Number.NaN : (now - active.signsFrom) / 1000
  })
}

function watchQueues({ passwordQueue, database }: MetricSources, registers: Registers): void {
  const both = ({ running, waiting }: QueueLoad): [string, number][] => [
    ['running', running],
    ['waiting', waiting]
  ]
  labelledGauge('password_hashes', 'Password hashes, computing and in line.', registers, () => both(passwordQueue()))
  labelledGauge('database_operations', 'Operations on the database, running and in line.', registers, () =>
    both(database())
  )
}

function gauge(name: string, help: string, registers: Registers, read: () => number): void {
  new Gauge({
    name: `latchkey_${name}`,
    help,
    registers: [...registers],
    collect() {
      this.set(read())
    }
  })
}

function labelledGauge(
  name: string,
  help: string,
  registers: Registers,
  read: () => readonly (readonly [state: string, value: number])[]
): void {
  new Gauge({
    name: `latchkey_${name}`,
    help,
    labelNames: ['state'],
    registers: [...registers],
    collect() {
      for (const [state, value] of read()) this.set({ state }, value)
    }
  })
}

let ofProcess: Registry | undefined

/**
 * Memory, CPU, garbage collection and the event loop's delay are the process's, however many apps it
 * has. Measured from the first time that somebody asks, so that who never does pays nothing.
 */
function processRegistry(): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry()
    collectDefaultMetrics({ register: ofProcess })
  }
  return ofProcess
}
