import { availableParallelism } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyServerOptions } from 'fastify'
import { openEmbeddedDatabase } from './adapters/embedded/embedded-database.js'
import { openKeyRing } from './adapters/keys/key-ring.js'
import type { ConnectNotices, NoticeSource } from './adapters/notices/notices.js'
import { redisNotices } from './adapters/notices/redis-notices.js'
import { type DecisionLogger, decisionLog, loggedRevocations } from './adapters/observability/decisions.js'
import { serviceMetrics } from './adapters/observability/metrics.js'
import { breachedPasswords, noBreachedPasswords } from './adapters/passwords/breached-passwords.js'
import { isCommonPassword } from './adapters/passwords/common-passwords.js'
import { passwordHasher } from './adapters/passwords/password-hasher.js'
import { hashingConcurrency, passwordQueue } from './adapters/passwords/password-queue.js'
import type { Database } from './adapters/prisma/database.js'
import { databaseClock } from './adapters/prisma/database-clock.js'
import { openServerDatabase } from './adapters/prisma/server-database.js'
import { prismaEventLog } from './adapters/prisma/stores/event-log.js'
import { databaseReadiness } from './adapters/prisma/stores/readiness.js'
import { purgeRegularly } from './adapters/prisma/stores/regular-purge.js'
import { prismaRevocationLog } from './adapters/prisma/stores/revocation-log.js'
import { prismaSessionStore } from './adapters/prisma/stores/session-store.js'
import { prismaSigningKeyStore } from './adapters/prisma/stores/signing-key-store.js'
import { prismaUserStore } from './adapters/prisma/stores/user-store.js'
import { memoryRateLimits, noRateLimits, withSlowRefusals } from './adapters/rate-limits/memory-rate-limits.js'
import { redisRateLimits } from './adapters/rate-limits/redis-rate-limits.js'
import { openRevocationFeed } from './adapters/revocations/revocation-feed.js'
import { sessionCache } from './adapters/revocations/session-cache.js'
import { deviceTokens } from './adapters/secrets/device-tokens.js'
import { opaqueTokens } from './adapters/secrets/opaque-tokens.js'
import { rootSecrets } from './adapters/secrets/root-secrets.js'
import { sha256, systemEntropy } from './adapters/secrets/system.js'
import type { Config } from './config/read-config.js'
import { publishLeadSeconds } from './core/key-rotation.js'
import type { Ports } from './ports/index.js'
import type { RateLimits } from './ports/limits.js'
import type { BreachedPasswords } from './ports/passwords.js'
import type { Clock } from './ports/runtime.js'
import { ensureFirstAdmin } from './service/admin/users.js'

/** The ports made real, and what closes them. */
export interface Adapters {
  readonly ports: Ports
  readonly database: Database
  close(): Promise<void>
}

/** What a test or an unusual host puts in place of the parts chosen here. */
export interface Overrides {
  readonly database?: Database
  readonly clock?: Clock
  readonly keyTiming?: {
    /** How long the next signing key is published before it signs; `publishLeadSeconds` by default. */
    readonly publishLeadSeconds?: number
    readonly checkMilliseconds?: number
  }
  readonly logger?: FastifyServerOptions['logger']
  /** How long a refused guess, or one that found the queue full, waits for its answer; a second by default. */
  readonly refusalMilliseconds?: number
  /** How long a closing app, which accepts no new connection, keeps the idle ones. Not at all by default. */
  readonly drainMilliseconds?: number
}

/**
 * Opens everything that `config` names: the database, its keys and its live revocations. Throws, with
 * a message that says what to do, where one of them cannot be used. What is decided goes to `log`.
 */
export async function openAdapters(config: Config, overrides: Overrides = {}, log?: DecisionLogger): Promise<Adapters> {
  const secrets = await rootSecrets({
    configured: config.rootSecrets,
    dataDir: config.dataDir,
    required: config.production,
    entropy: systemEntropy
  })
  const database = overrides.database ?? (await openDatabase(config))
  // A database that was handed in is closed by whoever opened it.
  const closing: (() => unknown)[] = overrides.database === undefined ? [() => database.close()] : []
  const close = async () => {
    for (const end of closing.splice(0)) await end()
  }

  try {
    const clock = overrides.clock ?? (await startedClock(database, closing))
    const policy = policyOf(config)
    const identity = { issuer: config.issuer, audience: config.audience }
    const keyRing = await openKeyRing({
      store: prismaSigningKeyStore(database),
      secrets,
      entropy: systemEntropy,
      clock,
      identity,
      settings: {
        alg: config.jwtAlg,
        accessTokenTtlSeconds: config.accessTokenTtlSeconds,
        publishLeadSeconds: overrides.keyTiming?.publishLeadSeconds ?? publishLeadSeconds
      },
      rotationDays: config.keyRotationDays,
      notices: keyNotices(database),
      checkMilliseconds: overrides.keyTiming?.checkMilliseconds
    })
    closing.unshift(keyRing.close)
    const pause = () => delay(overrides.refusalMilliseconds ?? 1000, undefined, { ref: false })
    const queue = passwordQueue({ maxRunning: hashingConcurrency(availableParallelism()), maxWaiting: 32, pause })
    const sessions = prismaSessionStore(database, policy)
    const {
      revocations,
      feed,
      close: closeFeed
    } = await openRevocationFeed({
      log: prismaRevocationLog(database),
      clock,
      entropy: systemEntropy,
      notices: noticeSource(database, config, closing),
      whenStale: config.feedStale
    })
    closing.unshift(closeFeed)
    const metrics = serviceMetrics({
      clock,
      feed,
      keys: keyRing.known,
      passwordQueue: queue.load,
      database: database.load
    })
    const ports: Ports = {
      identity,
      policy,
      clock,
      entropy: systemEntropy,
      digest: sha256,
      users: prismaUserStore(database, policy),
      sessions,
      events: prismaEventLog(database),
      revocations: loggedRevocations(revocations, metrics, log),
      revocationFeed: feed,
      sessionResolver: sessionCache({ sessions, feed, clock }),
      passwords: passwordHasher({ cost: config.bcryptCost, queue }),
      commonPasswords: isCommonPassword,
      breachedPasswords: rangeService(config, log),
      rateLimits: withSlowRefusals(openRateLimits(config, closing, log), pause),
      opaqueTokens: opaqueTokens(secrets),
      deviceTokens: deviceTokens(secrets),
      accessTokens: keyRing.accessTokens,
      signingKeys: keyRing.signingKeys,
      decisions: decisionLog(metrics, log),
      metrics,
      readiness: databaseReadiness(database)
    }
    closing.unshift(purgeRegularly(database, policy))
    return { ports, database, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Makes the admin that the config names, where no admin exists. */
export async function ensureConfiguredAdmin({ adminEmail, adminPassword }: Config, ports: Ports): Promise<void> {
  if (adminEmail === undefined || adminPassword === undefined) return
  await ensureFirstAdmin(ports, { email: adminEmail, password: adminPassword })
}

function openDatabase(config: Config): Promise<Database> {
  return config.databaseUrl === undefined
    ? openEmbeddedDatabase({ dataDir: config.dataDir })
    : openServerDatabase({ url: config.databaseUrl })
}

/** How this instance hears of what others revoke; the embedded database has one process. */
function noticeSource(
  { kind, listen }: Database,
  { redisUrl, issuer }: Config,
  closing: (() => unknown)[]
): NoticeSource | undefined {
  if (redisUrl !== undefined && kind === 'server') {
    const notices = redisNotices(redisUrl, issuer)
    closing.unshift(notices.close)
    return notices
  }
  return listen && { connect: listen('latchkey_revocation'), lossy: false }
}

/** Where limits are counted. */
function openRateLimits(
  { rateLimitEnabled, redisUrl, issuer }: Config,
  closing: (() => unknown)[],
  log: DecisionLogger | undefined
): RateLimits {
  if (!rateLimitEnabled) return noRateLimits
  const inMemory = memoryRateLimits()
  if (redisUrl === undefined) return inMemory
  const shared = redisRateLimits({
    url: redisUrl,
    name: issuer,
    inMemory,
    digest: sha256,
    onChange: (away) =>
      away
        ? log?.warn({}, 'Redis does not answer: this instance counts its limits for itself')
        : log?.info({}, 'Redis answers again: limits are counted there')
  })
  closing.unshift(shared.close)
  return shared
}

function rangeService({ breachedPasswordsUrl: url }: Config, log: DecisionLogger | undefined): BreachedPasswords {
  if (url === undefined) return noBreachedPasswords
  return breachedPasswords({
    url,
    onFailure: (err) => log?.warn({ err }, 'BREACHED_PASSWORDS_URL could not be asked: the password is taken')
  })
}

/** How this instance hears of changed signing keys; whoever changes them, the table tells. */
function keyNotices({ listen }: Database): ConnectNotices | undefined {
  return listen?.('latchkey_signing_key')
}

async function startedClock(database: Database, closing: (() => unknown)[]): Promise<Clock> {
  const clock = await databaseClock(database)
  closing.unshift(() => clock.stop())
  return clock
}

function policyOf(config: Config): Ports['policy'] {
  return {
    graceSeconds: config.refreshGraceSeconds,
    recoveryGenerations: config.refreshRecoveryGenerations,
    accessTokenTtlSeconds: config.accessTokenTtlSeconds,
    refreshIdleTtlSeconds: config.refreshIdleTtlSeconds,
    refreshAbsoluteTtlSeconds: config.refreshAbsoluteTtlSeconds,
    maxSessionsPerUser: config.maxSessionsPerUser,
    modes: config.modes,
    passwordMinLength: config.passwordMinLength,
    reauthenticationSeconds: config.reauthenticationSeconds
  }
}
