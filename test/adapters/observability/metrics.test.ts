import t from 'tap'
import { serviceMetrics } from '../../../src/adapters/observability/metrics.js'
import type { Revocation } from '../../../src/core/revocation-set.js'

const now = 1_700_000_000_000
const ended = { id: 1n, sid: 'a', reason: 'logged_out', at: now - 400, expiresAt: now + 600_000 } as const

/** Metrics over scripted sources; `push` delivers an entry of the feed. */
function scripted() {
  const followers: ((revocations: readonly Revocation[]) => void)[] = []
  const metrics = serviceMetrics({
    clock: { now: () => now },
    feed: {
      follow(follower) {
        followers.push(follower)
        return () => undefined
      },
      state: () => ({ connected: false, stale: true, lagSeconds: 12, size: 3, resets: 2, restored: 40 })
    },
    keys: () => [
      { number: 1, signsFrom: now - 90_000, retiresAt: null },
      { number: 2, signsFrom: now + 60_000, retiresAt: null }
    ],
    keyRotationDays: 90,
    passwordQueue: () => ({ running: 2, waiting: 7 }),
    refusedPasswords: () => 5,
    database: () => ({ running: 1, waiting: 4 }),
    registrationsAboveUsual: () => true,
    purgeLag: () => ({ sessions: 7, events: 0 }),
    mailAttempts: () => ({ sent: 5, failed: 2 }),
    mailBacklog: () => ({ pending: 3, oldestSeconds: 61.5 }),
    hooks: [{ name: 'onUserCreated', lagSeconds: () => 3600, counts: () => ({ delivered: 8, failed: 60 }) }],
    measured: []
  })
  return { metrics, push: (revocation: Revocation) => followers.forEach((follow) => void follow([revocation])) }
}

t.test('the delay of a revocation counts from its writing and is never below zero', async (t) => {
  const { metrics, push } = scripted()
  push(ended)
  push({ ...ended, at: now + 5 })
  const text = await metrics.text()
  t.match(text, 'latchkey_revocation_delay_seconds_bucket{le="0.25"} 1\n')
  t.match(text, 'latchkey_revocation_delay_seconds_bucket{le="0.5"} 2\n')
  t.match(text, 'latchkey_revocation_delay_seconds_sum 0.4\n')
})

t.test('an entry without a session counts as everybody', async (t) => {
  const { metrics } = scripted()
  metrics.countRevocations([{ ...ended, sid: null, reason: 'revoked_by_admin' }])
  const text = await metrics.text()
  t.match(text, 'latchkey_revocations_total{reason="everybody"} 1\n')
  t.match(text, 'latchkey_revocations_total{reason="revoked_by_admin"} 0\n')
})

t.test('gauges show the values at the moment of reading', async (t) => {
  const text = await scripted().metrics.text()
  for (const sample of [
    'feed_connected 0',
    'feed_stale 1',
    'feed_lag_seconds 12',
    'open_connections 0',
    'feed_resets_total 2',
    'restored_revocations_total 40',
    'live_revocations 3',
    'signing_keys{state="active"} 1',
    'signing_keys{state="published"} 1',
    'signing_key_age_seconds 90',
    'signing_key_max_age_seconds 7776000',
    'refused_passwords_total 5',
    'purge_lag_seconds{kind="sessions"} 7',
    'purge_lag_seconds{kind="events"} 0',
    'mails_pending 3',
    'mail_attempts_total{outcome="sent"} 5',
    'mail_attempts_total{outcome="failed"} 2',
    'oldest_mail_seconds 61.5',
    'password_hashes{state="running"} 2',
    'password_hashes{state="waiting"} 7',
    'database_operations{state="running"} 1',
    'database_operations{state="waiting"} 4'
  ]) {
    t.match(text, `latchkey_${sample}\n`)
  }
})
