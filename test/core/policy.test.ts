import t from 'tap'
import {
  refreshTimeoutSeconds,
  type SessionPolicy,
  safeGraceSeconds,
  sessionEnd,
  sessionLifeSeconds
} from '../../src/core/policy.js'
import { modes } from '../../src/core/vocabulary.js'

const policy: SessionPolicy = {
  graceSeconds: 20,
  recoveryGenerations: 16,
  accessTokenTtlSeconds: 600,
  refreshIdleTtlSeconds: 1000,
  refreshAbsoluteTtlSeconds: 5000,
  maxSessionsPerUser: 100,
  modes
}

t.strictSame(modes, ['cookie', 'body', 'session', 'access'])

t.test('the default grace is more than twice the time after which a client gives up a refresh', async (t) => {
  t.ok(safeGraceSeconds > 2 * refreshTimeoutSeconds)
})

t.test('the ends of a session follow from its mode and the settings', async (t) => {
  for (const mode of ['cookie', 'body', 'session'] as const) {
    t.strictSame(sessionLifeSeconds(mode, policy), { idle: 1000, absolute: 5000 }, mode)
    const longIdle = { ...policy, refreshIdleTtlSeconds: 9000 }
    t.strictSame(
      sessionLifeSeconds(mode, longIdle),
      { idle: 5000, absolute: 5000 },
      `${mode}: never past the absolute end`
    )
  }
  t.strictSame(sessionLifeSeconds('access', policy), { idle: 600, absolute: 600 }, 'access: as long as its one token')
})

t.test('a session ends at the earlier of its two ends', async (t) => {
  t.equal(sessionEnd({ idleExpiresAt: 1, absoluteExpiresAt: 2 }), 1)
  t.equal(sessionEnd({ idleExpiresAt: 3, absoluteExpiresAt: 2 }), 2)
})
