import type { Server } from 'node:http'
import { Server as TcpServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import helmet from '@fastify/helmet'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { breachedPasswords, noBreachedPasswords } from './adapters/breached-passwords.js'
import { isCommonPassword } from './adapters/common-passwords.js'
import { type DecisionLogger, decisionLog, notedRevocations } from './adapters/decision-log.js'
import { deviceTokens } from './adapters/device-tokens.js'
import { openKeyRing } from './adapters/key-ring.js'
import { serviceMetrics } from './adapters/metrics.js'
import { opaqueTokens } from './adapters/opaque-tokens.js'
import { passwordHasher } from './adapters/password-hasher.js'
import { hashingConcurrency, passwordQueue } from './adapters/password-queue.js'
import type { Database } from './adapters/prisma/database.js'
import { databaseClock } from './adapters/prisma/database-clock.js'
import { openEmbeddedDatabase } from './adapters/prisma/embedded-database.js'
import { prismaEventLog } from './adapters/prisma/event-log.js'
import { databaseReadiness } from './adapters/prisma/readiness.js'
import { purgeRegularly } from './adapters/prisma/regular-purge.js'
import { prismaRevocationLog } from './adapters/prisma/revocation-log.js'
import { openServerDatabase } from './adapters/prisma/server-database.js'
import { prismaSessionStore } from './adapters/prisma/session-store.js'
import { prismaSigningKeyStore } from './adapters/prisma/signing-key-store.js'
import { prismaUserStore } from './adapters/prisma/user-store.js'
import { memoryRateLimits, noRateLimits, unhurried } from './adapters/rate-limits.js'
import { redisRateLimits } from './adapters/rate-limits-redis.js'
import { type NoticeSource, openRevocationFeed } from './adapters/revocation-feed.js'
import { redisNotices } from './adapters/revocation-feed-redis.js'
import type { ConnectNotices } from './adapters/revocation-feed-subscription.js'
import { rootSecrets } from './adapters/root-secrets.js'
import { sessionCache } from './adapters/session-cache.js'
import { sha256, systemEntropy } from './adapters/system.js'
import type { Config } from './config.js'
import { publishLeadSeconds } from './core/key-rotation.js'
import { knownMethods } from './http/known-methods.js'
import { sendClientError, sendNotFound, sendProblem } from './http/problem.js'
import { loggerOptions } from './logger-options.js'
import { latchkeyPlugin } from './plugin.js'
import type { BreachedPasswords, Clock, Ports, RateLimits } from './ports.js'
import { createFirstAdmin } from './service/admin-users.js'

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
    const queue = passwordQueue({ concurrency: hashingConcurrency(availableParallelism()), maxWaiting: 32, pause })
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
      revocations: notedRevocations(revocations, metrics, log),
      revocationFeed: feed,
      sessionResolver: sessionCache({ sessions, feed, clock }),
      passwords: passwordHasher({ cost: config.bcryptCost, queue }),
      commonPasswords: isCommonPassword,
      breachedPasswords: rangeService(config, log),
      rateLimits: unhurried(openRateLimits(config, closing, log), pause),
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

/** The service: listening is the caller's, and closing the app closes everything it stands on. */
export async function buildApp(config: Config, overrides: Overrides = {}): Promise<FastifyInstance> {
  const app = Fastify({
    logger: overrides.logger ?? loggerOptions(config.logLevel),
    trustProxy: config.trustProxy.length > 0 ? [...config.trustProxy] : false,
    // No request needs more; a slow or endless one is ended, and those being served are answered first.
    bodyLimit: 64 * 1024,
    requestTimeout: 10_000,
    connectionTimeout: 30_000,
    http: { connectionsCheckingInterval: 2000 },
    forceCloseConnections: 'idle',
    // Fastify's own 503 for a closing app has no Retry-After, and what still arrives can be served.
    return503OnClosing: false,
    clientErrorHandler: sendClientError,
    frameworkErrors: (error, request, reply) => void sendProblem(request, reply, error, errorsUrl)
  })
  const { ports, close } = await openAdapters(config, overrides, app.log)
  const { drainMilliseconds } = overrides
  if (drainMilliseconds !== undefined) app.addHook('preClose', async () => drain(app.server, drainMilliseconds))
  app.addHook('onClose', close)

  try {
    await provideFirstAdmin(config, ports)
    const methodsOf = knownMethods(app)
    app.setErrorHandler((error, request, reply) => sendProblem(request, reply, error, errorsUrl))
    app.setNotFoundHandler((request, reply) => sendNotFound(request, reply, methodsOf(request), errorsUrl))
    await app.register(helmet, helmetOptions(config))
    await app.register(latchkeyPlugin, { ports, settings: config })
    await app.ready()
    return app
  } catch (error) {
    await app.close()
    throw error
  }
}

/**
 * Closes without a reset. Nothing new is accepted from here on, before any answer has told a client to
 * come on another connection: one that waited to be accepted would be reset. And Node ends idle
 * connections as soon as a server closes, in which moment a client may send on one: kept a while, each
 * gets one more answer, with `Connection: close`.
 */
function drain(server: Server, milliseconds: number): void {
  const closeIdle = server.closeIdleConnections.bind(server)
  // In Node's check phase: what has arrived by then has been read, and its connection is not idle.
  server.closeIdleConnections = () => void setTimeout(() => setImmediate(closeIdle), milliseconds).unref()
  if (!server.listening) return
  const close = server.close.bind(server)
  TcpServer.prototype.close.call(server)
  // Fastify closes it in its turn, and is not to hear that it no longer listens.
  server.close = (done) => close(() => done?.())
}

const errorsUrl = '/docs/errors.md'

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
  return listen && { connect: (handlers) => listen('latchkey_revocation', handlers), lossy: false }
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
  return listen && ((handlers) => listen('latchkey_signing_key', handlers))
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

/** Makes the admin that the config names, where no admin exists. */
export async function provideFirstAdmin({ adminEmail, adminPassword }: Config, ports: Ports): Promise<void> {
  if (adminEmail === undefined || adminPassword === undefined) return
  await createFirstAdmin(ports, { email: adminEmail, password: adminPassword })
}

/** Nothing that we serve is framed, sniffed or run from elsewhere. */
function helmetOptions(config: Config) {
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        imgSrc: ["'self'", 'data:'],
        objectSrc: ["'none'"]
      }
    },
    hsts: config.cookieSecure ? { maxAge: 31_536_000, includeSubDomains: true } : false,
    frameguard: { action: 'deny' as const },
    referrerPolicy: { policy: 'no-referrer' as const },
    crossOriginResourcePolicy: { policy: 'same-origin' as const }
  }
}
