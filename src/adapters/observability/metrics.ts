import { Counter, collectDefaultMetrics, Gauge, Histogram, type Metric, Registry } from 'prom-client'
import { activeKey, type KeyTimes, keyStates, withStates } from '../../core/key-rotation.js'
import type { MailBacklog } from '../../ports/mail.js'
import type { Metrics, QueueLoad } from '../../ports/metrics.js'
import type { RevocationFeed } from '../../ports/revocations.js'
import type { Clock } from '../../ports/runtime.js'
import { type Counts, requestCounts } from './decisions.js'
import { responseMetrics } from './responses.js'

/** What the gauges show. They are read whenever somebody reads the metrics, so none of them may cost I/O. */
export interface MetricSources {
  readonly clock: Pick<Clock, 'now'>
  readonly feed: Pick<RevocationFeed, 'follow' | 'state'>
  readonly keys: () => readonly KeyTimes[]
  readonly passwordQueue: () => QueueLoad
  readonly refusedPasswords: () => number
  readonly registrationsAboveUsual: () => boolean
  /** In seconds, by the kind of row. */
  readonly purgeLag: () => Readonly<Record<string, number>>
  readonly mailBacklog: () => MailBacklog
  /** By what became of them. */
  readonly mailAttempts: () => Readonly<Record<string, number>>
  readonly database: () => QueueLoad
  /** The hooks of a host. */
  readonly hooks: readonly HookSource[]
  /** How old the active key may get until the next one signs; undefined if keys change by request only. */
  readonly keyRotationDays: number | undefined
  /** Metrics that are measured elsewhere, such as those of the servers. */
  readonly measured: readonly { readonly metrics: readonly Metric[] }[]
}

interface HookSource {
  readonly name: string
  /** NaN if it is not known yet. */
  lagSeconds(): number
  counts(): { readonly delivered: number; readonly failed: number }
}

/** From the delay of a notice on one machine up to the delay of a feed that is cut off. */
const delayBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/**
 * The metrics of one app, in its own registry: several apps in one process count apart. Labels have few, fixed values.
 */
export function serviceMetrics(sources: MetricSources): Metrics & Counts {
  const { clock, feed, keys, keyRotationDays, passwordQueue, database } = sources
  const registry = new Registry()
  const counts = requestCounts(registry, clock)
  const gauge = (name: string, help: string, read: () => Reading, label = 'state') =>
    addGauge(registry, { name, help, label }, read)
  const counter = (name: string, help: string, read: () => number) => addCounter(registry, { name, help }, read)

  observeDelays(registry, feed, clock)
  gauge('feed_connected', 'Whether revocations arrive by push.', () => Number(feed.state().connected))
  gauge('feed_stale', 'Whether the feed has been cut off for too long.', () => Number(feed.state().stale))
  gauge('feed_lag_seconds', 'Time since this process last knew every revocation.', () => feed.state().lagSeconds)
  gauge('live_revocations', 'Entries of the revocation feed held in memory.', () => feed.state().size)
  counter(
    'feed_resets',
    'Times that the database had lost or replaced known revocations, as after a failover.',
    () => feed.state().resets
  )
  counter('restored_revocations', 'Lost revocations that this process has written again.', () => feed.state().restored)
  gauge('signing_keys', 'Signing keys, by state.', () => {
    const states = withStates(keys(), clock.now()).map(({ state }) => state)
    return Object.fromEntries(keyStates.map((state) => [state, states.filter((other) => other === state).length]))
  })
  gauge('signing_key_age_seconds', 'Time since the active signing key began to sign.', () => {
    const now = clock.now()
    const active = activeKey(keys(), now)
    return active === undefined ? Number.NaN : (now - active.signsFrom) / 1000
  })
  if (keyRotationDays !== undefined) {
    gauge('signing_key_max_age_seconds', 'KEY_ROTATION_DAYS, in seconds.', () => keyRotationDays * 86_400)
  }
  let countConnections = () => 0
  gauge('open_connections', 'Open connections that whileSignedIn watches.', () => countConnections())
  gauge('registrations_above_usual', 'Whether more accounts than usual were created within the last hour.', () =>
    Number(sources.registrationsAboveUsual())
  )
  const purgeHelp = 'How long ago the oldest row should have been removed, by kind.'
  gauge('purge_lag_seconds', purgeHelp, sources.purgeLag, 'kind')
  gauge('mails_pending', 'Mails that wait to be sent, by any instance.', () => sources.mailBacklog().pending)
  gauge(
    'oldest_mail_seconds',
    'How long ago the oldest mail that waits was written.',
    () => sources.mailBacklog().oldestSeconds
  )
  gauge('password_hashes', 'Password hashes, running and waiting.', passwordQueue)
  const attemptsHelp = 'Attempts of this process to send a mail, by what became of them.'
  addCounter(registry, { name: 'mail_attempts', help: attemptsHelp, label: 'outcome' }, sources.mailAttempts)
  counter('refused_passwords', 'Passwords that were refused because their queue was full.', sources.refusedPasswords)
  gauge('database_operations', 'Operations on the database, running and waiting.', database)
  const ofHooks = (read: (hook: HookSource) => number) => () =>
    Object.fromEntries(sources.hooks.map((hook) => [hook.name, read(hook)]))
  const lagHelp = 'Time since the hook had seen every event, by the name of the hook.'
  gauge(
    'hook_lag_seconds',
    lagHelp,
    ofHooks((hook) => hook.lagSeconds()),
    'hook'
  )
  const callHelp = 'Events that this process has delivered to the hook.'
  addCounter(
    registry,
    { name: 'hook_deliveries', help: callHelp, label: 'hook' },
    ofHooks((hook) => hook.counts().delivered)
  )
  const failureHelp = 'Calls of the hook by this process that failed or took too long.'
  addCounter(
    registry,
    { name: 'hook_failures', help: failureHelp, label: 'hook' },
    ofHooks((hook) => hook.counts().failed)
  )

  for (const metric of sources.measured.flatMap(({ metrics }) => metrics)) registry.registerMetric(metric)

  return {
    ...counts,
    showConnections(count) {
      countConnections = count
    },
    noteResponse: responseMetrics(registry),
    contentType: registry.contentType,
    text: async () => (await registry.metrics()) + (await processRegistry().metrics())
  }
}

function observeDelays(registry: Registry, feed: MetricSources['feed'], clock: MetricSources['clock']): void {
  const delay = new Histogram({
    name: 'latchkey_revocation_delay_seconds',
    help: 'From writing a revocation, on any instance, until this process refuses its tokens.',
    buckets: delayBuckets,
    registers: [registry]
  })
  // Never unfollowed: the feed lives as long as the app.
  feed.follow((revocations) => {
    const now = clock.now()
    for (const { at } of revocations) delay.observe(Math.max(0, now - at) / 1000)
  })
}

/** One value, or one for each value of the label. */
type Reading = number | QueueLoad | Readonly<Record<string, number>>

function addGauge(
  registry: Registry,
  { name, help, label }: Readonly<Record<'name' | 'help' | 'label', string>>,
  read: () => Reading
): void {
  new Gauge({
    name: `latchkey_${name}`,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      const reading = read()
      if (typeof reading === 'number') this.set(reading)
      else for (const [of, value] of Object.entries(reading)) this.set({ [label]: of }, value)
    }
  })
}

/** A counter of something that is counted elsewhere. */
function addCounter(
  registry: Registry,
  { name, help, label }: { readonly name: string; readonly help: string; readonly label?: string },
  read: () => number | Readonly<Record<string, number>>
): void {
  new Counter({
    name: `latchkey_${name}_total`,
    help,
    labelNames: label === undefined ? [] : [label],
    registers: [registry],
    collect() {
      this.reset()
      const reading = read()
      if (typeof reading === 'number') this.inc(reading)
      else for (const [of, value] of Object.entries(reading)) this.inc({ [label ?? '']: of }, value)
    }
  })
}

let ofProcess: Registry | undefined

/**
 * Memory, CPU, garbage collection and event loop delay belong to the process, however many apps it has. Measured from
 * the first reading on, so that a process whose metrics nobody reads pays nothing.
 */
function processRegistry(): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry()
    collectDefaultMetrics({ register: ofProcess })
  }
  return ofProcess
}
