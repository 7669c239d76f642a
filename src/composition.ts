// Long, because it is the one place that chooses and connects all adapters. It loads PGlite, Redis and SMTP only if the
// settings ask for them, and at the start, so that an error still appears there.
import { setTimeout as delay } from 'node:timers/promises'
import { addedClaims } from './adapters/claims/added-claims.js'
import type { EmbeddedOptions } from './adapters/embedded/embedded-database.js'
import { type Hooks, openHooks } from './adapters/hooks/hooks.js'
import { openKeyRing } from './adapters/keys/key-ring.js'
import { watchBacklog } from './adapters/mail/backlog-watch.js'
import { logMailer } from './adapters/mail/log-mailer.js'
import { type MailSender, type MailSenderParts, openMailSender } from './adapters/mail/sender.js'
import { mailRenderer } from './adapters/mail/templates/render.js'
import { readTemplates, shippedTemplates } from './adapters/mail/templates/template-folder.js'
import type { NoticeSource } from './adapters/notices/notices.js'
import { batchSizes } from './adapters/observability/batch-sizes.js'
import { decisionLog, loggedRevocations } from './adapters/observability/decisions.js'
import { watchFeed } from './adapters/observability/feed-watch.js'
import { serviceMetrics } from './adapters/observability/metrics.js'
import { readyUntil, sharedReadiness } from './adapters/observability/readiness.js'
import { scopedLog, silentLog } from './adapters/observability/scoped-log.js'
import { watchServer } from './adapters/observability/server-watch.js'
import { breachedPasswords, noBreachedPasswords } from './adapters/passwords/breached-passwords.js'
import { isCommonPassword } from './adapters/passwords/common-passwords.js'
import { passwordHasher } from './adapters/passwords/password-hasher.js'
import { passwordQueue } from './adapters/passwords/password-queue.js'
import type { Database } from './adapters/prisma/database.js'
import { databaseClock } from './adapters/prisma/database-clock.js'
import type { MigrateOptions } from './adapters/prisma/migrations/migrate.js'
import { startFault } from './adapters/prisma/server/connection-fault.js'
import { connectionTo, directConnectionTo } from './adapters/prisma/server/database-url.js'
import { migrateServer } from './adapters/prisma/server/migrate-server.js'
import { openServerDatabase } from './adapters/prisma/server/server-database.js'
import { eventRetentionSeconds } from './adapters/prisma/sql/purge/purge.js'
import { prismaClientStore } from './adapters/prisma/stores/client-store.js'
import { prismaEventLog } from './adapters/prisma/stores/event-log.js'
import { prismaHookLog } from './adapters/prisma/stores/hook-log.js'
import { prismaLinkStore } from './adapters/prisma/stores/link-store.js'
import { prismaMailLog } from './adapters/prisma/stores/mail-log.js'
import { prismaOutbox } from './adapters/prisma/stores/outbox.js'
import { watchPurge } from './adapters/prisma/stores/purge-watch.js'
import { databaseReadiness } from './adapters/prisma/stores/readiness.js'
import { watchRegistrations } from './adapters/prisma/stores/registration-watch.js'
import { purgeRegularly } from './adapters/prisma/stores/regular-purge.js'
import { prismaRevocationLog } from './adapters/prisma/stores/revocation-log.js'
import { prismaRunCounter } from './adapters/prisma/stores/run-counter.js'
import { prismaSessionStore } from './adapters/prisma/stores/session-store.js'
import { prismaSigningKeyStore } from './adapters/prisma/stores/signing-key-store.js'
import { summedFailures } from './adapters/prisma/stores/summed-failures.js'
import { prismaUserStore } from './adapters/prisma/stores/user-store.js'
import { watchedDatabase } from './adapters/prisma/watched-database.js'
import { memoryRateLimits } from './adapters/rate-limits/memory-rate-limits.js'
import { noRateLimits, rateLimits } from './adapters/rate-limits/rate-limits.js'
import { clientCache } from './adapters/revocations/client-cache.js'
import { openRevocationFeed } from './adapters/revocations/revocation-feed.js'
import { sessionCache } from './adapters/revocations/session-cache.js'
import { keyedHash } from './adapters/secrets/keyed-hash.js'
import { opaqueTokens } from './adapters/secrets/opaque-tokens.js'
import { rootSecrets } from './adapters/secrets/root-secrets.js'
import { sha256, systemEntropy } from './adapters/secrets/system.js'
import { isLoopback, readMailUrl } from './addresses/mail-url.js'
import { type Config, ConfigError, type DatabaseConfig } from './config/read-config.js'
import { publishLeadSeconds } from './core/key-rotation.js'
import type { RateLimit } from './core/rate-limits.js'
import type { Overrides } from './overrides.js'
import { CannotStart, inOneLine } from './ports/errors.js'
import type { Clock, LimitCounter, Log, Mailer, Ports } from './ports/index.js'
import { ensureFirstAdmin } from './service/admin/ensure-first-admin.js'
import { Refused } from './service/refused.js'

/** All adapters, as ports, and a function that closes them. */
export interface Adapters {
  readonly ports: Ports
  readonly database: Database
  readonly hooks: Hooks
  /** Closes all adapters, the one opened last first. */
  close(): Promise<void>
}

export type SchemaOptions = Pick<MigrateOptions, 'markApplied' | 'report'>

type WatchedRedis = Awaited<ReturnType<typeof watchedRedis>>

type OnClose = (close: () => unknown) => void

/**
 * Opens all adapters that `config` asks for. If one of them cannot be opened, closes the others and throws an error
 * that says what to do. `log` gets what is not part of a request: a route can have a log level of its own.
 */
export async function openAdapters(config: Config, overrides: Overrides = {}, log = silentLog): Promise<Adapters> {
  const closers: (() => unknown)[] = []
  async function close(): Promise<void> {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    return { ...(await openInOrder(config, overrides, log, (closer) => closers.push(closer))), close }
  } catch (error) {
    await close()
    throw explained(error, config)
  }
}

/** `error`, in one line that names the setting if the server of `DATABASE_URL` caused it. */
function explained(error: unknown, { databaseUrl }: Config): unknown {
  if (databaseUrl === undefined || error instanceof CannotStart) return error
  return startFault(error, connectionTo(databaseUrl)) ?? error
}

async function openInOrder(config: Config, overrides: Overrides, log: Log, onClose: OnClose) {
  const { log: requestLog, logTo } = scopedLog(log)
  const entropy = systemEntropy
  const policy = policyOf(config)
  const identity = { issuer: config.issuer, audiences: config.audience }

  const { catalogues, layouts } = await openTemplates(config)
  const secrets = await rootSecrets({
    configured: config.rootSecret,
    dataDir: config.dataDir,
    required: config.production,
    entropy
  })
  // Not at the first failure: one operation can also fail because it waited too long for a lock.
  const databaseWatch = watchServer({ name: 'database', log, lostAfterMilliseconds: 1000, messages: databaseMessages })
  const database = watchedDatabase(overrides.database ?? (await openDatabase(config, log, onClose)), databaseWatch)
  const redis = config.redisUrl === undefined ? undefined : await watchedRedis(config.redisUrl, log)
  const clock = overrides.clock ?? (await openClock(database, onClose))

  const keyRing = await openKeyRing({
    store: prismaSigningKeyStore(database),
    secrets,
    entropy,
    clock,
    identity,
    settings: {
      alg: config.jwtAlg,
      accessTokenTtlSeconds: config.accessTokenTtlSeconds,
      publishLeadSeconds: overrides.keyTiming?.publishLeadSeconds ?? publishLeadSeconds
    },
    rotationDays: config.keyRotationDays,
    notices: database.listen?.('latchkey_signing_key'),
    checkMilliseconds: overrides.keyTiming?.checkMilliseconds
  })
  onClose(keyRing.close)

  const { revocations, feed, ...openFeed } = await openRevocationFeed({
    log: prismaRevocationLog(database),
    clock,
    entropy,
    notices: revocationNotices(database, config, redis, onClose),
    whenStale: config.feedStale,
    onReset: (lost) =>
      log.warn(
        { lost },
        'The database has lost revocations that this instance knows, as after a failover: they stay in force'
      ),
    onRestored: (restored) => log.warn({ restored }, 'Lost revocations were written again, and their sessions ended')
  })
  onClose(openFeed.close)
  onClose(watchFeed(feed, log).stop)

  const databaseReady = databaseReadiness(database)
  const hashing = passwordQueue()
  const registrations = watchRegistrations(database, (lastHour) =>
    log.warn({ lastHour }, 'More accounts than usual were created within the last hour')
  )
  onClose(registrations.stop)
  const purge = watchPurge(database, policy, entropy)
  onClose(purge.stop)
  const outbox = prismaOutbox(database)
  const backlog = watchBacklog(outbox)
  onClose(backlog.stop)
  const tokens = opaqueTokens(secrets)
  const render = mailRenderer(catalogues, layouts)
  const sender = await openSender(config, overrides, { outbox, render, opaqueTokens: tokens, clock, log }, onClose)
  const claimAttributes = overrides.claims === undefined ? policy.tokenAttributes : 'any'
  const endingPolicy = { ...policy, notices: sender !== undefined, claimAttributes } as const
  const hooks = await openHooks({
    hooks: overrides.hooks ?? [],
    log: prismaHookLog(database),
    clock,
    entropy,
    logger: log,
    retentionSeconds: eventRetentionSeconds(policy)
  })
  onClose(hooks.close)
  const refreshBatches = batchSizes()
  const sessions = prismaSessionStore(database, endingPolicy, config.refreshBatchSize, refreshBatches.note)
  const clients = prismaClientStore(database, policy)
  const metrics = serviceMetrics({
    clock,
    feed,
    keys: keyRing.known,
    keyRotationDays: config.keyRotationDays,
    passwordQueue: hashing.load,
    refusedPasswords: hashing.refused,
    database: database.load,
    registrationsAboveUsual: registrations.isAboveUsual,
    purgeLag: purge.lag,
    mailBacklog: backlog.backlog,
    mailAttempts: () => sender?.counts() ?? {},
    hooks: hooks.states,
    measured: [databaseWatch, refreshBatches, ...(redis ? [redis.watch] : [])]
  })
  onClose(purgeRegularly(database, policy, overrides.purgeTiming))
  const failures = summedFailures(
    database,
    prismaEventLog(database),
    config.rateLimitEnabled ? memoryRateLimits() : noRateLimits
  )
  onClose(failures.close)

  const ports: Ports = {
    identity,
    accountUrl: config.accountUrl,
    policy,
    clock,
    entropy,
    digest: sha256,
    users: prismaUserStore(database, endingPolicy),
    sessions,
    clients,
    clientResolver: clientCache({ clients, feed, hasEnded: openFeed.hasEnded, clock }),
    links: prismaLinkStore(database),
    mails: prismaMailLog(database),
    mail: sender ?? { isConfigured: false, printsOnly: false, wake: () => undefined },
    languages: { tags: [...catalogues.keys()], pageWords: (tag) => catalogues.get(tag)?.page },
    events: failures.events,
    revocations: loggedRevocations(revocations, metrics, requestLog),
    revocationFeed: feed,
    sessionResolver: sessionCache({ sessions, feed, hasEnded: openFeed.hasEnded, clock }),
    passwords: passwordHasher({ cost: config.bcryptCost, queue: hashing }),
    commonPasswords: isCommonPassword,
    breachedPasswords: openBreachedPasswords(config, requestLog),
    rateLimits: config.rateLimitEnabled
      ? rateLimits(windowLimits(config, redis, onClose), prismaRunCounter(database, keyedHash(secrets)))
      : noRateLimits,
    opaqueTokens: tokens,
    accessTokens: keyRing.accessTokens,
    addedClaims: addedClaims({
      attributes: config.tokenAttributes,
      claims: overrides.claims,
      log: requestLog,
      timeoutMilliseconds: overrides.claimsMilliseconds
    }),
    signingKeys: keyRing.signingKeys,
    decisions: decisionLog(metrics, requestLog),
    logTo,
    metrics,
    readiness: readyUntil(
      overrides.leaving,
      sharedReadiness(() => databaseReady().then(keyRing.readiness), { clock, log })
    ),
    refusalPause: () => delay(overrides.refusalMilliseconds ?? 1000, undefined, { ref: false })
  }
  return { ports, database, hooks }
}

/**
 * Creates the admin of `ADMIN_EMAIL` and `ADMIN_PASSWORD` if there is no admin yet. Throws a `ConfigError` if that
 * password is refused. If a stranger may own the account of that address, nothing is granted, and `warn` says what to do.
 */
export async function ensureConfiguredAdmin(
  config: Config,
  ports: Ports,
  warn: (warning: string) => void
): Promise<void> {
  const { adminEmail: email, adminPassword: password } = config
  if (email === undefined || password === undefined) return
  const outcome = await ensureFirstAdmin(ports, { email, password }).catch((error) => {
    if (!(error instanceof Refused)) throw error
    throw new ConfigError([`ADMIN_PASSWORD is refused as ${error.code}. ${error.message} Set another.`])
  })
  if (outcome !== 'email_taken') return
  warn(
    'There is no admin, and ADMIN_EMAIL has an account already. It was not made an admin, because somebody else may have ' +
      'registered that address. If the account is yours, run: latchkey user set-roles EMAIL admin. Otherwise set another ADMIN_EMAIL.'
  )
}

const databaseMessages = { lost: 'The database is lost: it serves nothing', back: 'The database is back' }

async function watchedRedis(url: string, log: Log) {
  const messages = {
    lost: 'Redis is lost: this instance counts its rate limits alone',
    back: 'Redis is back: rate limits are shared'
  }
  const { redisNotices } = await import('./adapters/notices/redis-notices.js')
  const { redisRateLimits } = await import('./adapters/rate-limits/redis-rate-limits.js')
  const watch = watchServer({ name: 'redis', log, lostAfterMilliseconds: 0, messages })
  return { url, watch, redisNotices, redisRateLimits }
}

/**
 * Applies new migrations to the database of `config`, and touches nothing else: no key and no secret is made. `report`
 * gets a line for a person when a migration begins, or has to wait. Throws as `openAdapters` does.
 */
export async function migrateDatabase(config: DatabaseConfig, options: SchemaOptions): Promise<void> {
  const { databaseUrl, databaseDirectUrl, dataDir } = config
  if (databaseUrl === undefined) {
    const database = await openEmbedded({ dataDir, ...options })
    return database.close()
  }
  const server = connectionTo(databaseUrl)
  await migrateServer(databaseDirectUrl === undefined ? server : directConnectionTo(databaseDirectUrl, server), options)
}

async function openDatabase(config: Config, log: Log, onClose: OnClose): Promise<Database> {
  const { databaseUrl, dataDir, migrate } = config
  const options = { migrate, report: (line: string) => log.info({}, line) }
  const database = await (databaseUrl === undefined
    ? openEmbedded({ dataDir, ...options })
    : openServerDatabase({
        ...options,
        url: databaseUrl,
        directUrl: config.databaseDirectUrl,
        poolSize: config.databasePoolSize,
        statementTimeoutSeconds: config.databaseStatementTimeoutSeconds,
        waitSeconds: config.databaseWaitSeconds,
        onDeaf: () => log.warn({}, deafness(config)),
        onUnprepared: () =>
          log.warn(
            {},
            'The server has refused the name of a prepared statement, as behind a connection pooler: statements are prepared no more'
          )
      }))
  onClose(database.close)
  return database
}

/** A service on a server never loads the embedded database. */
async function openEmbedded(options: EmbeddedOptions): Promise<Database> {
  const { openEmbeddedDatabase } = await import('./adapters/embedded/embedded-database.js')
  return openEmbeddedDatabase(options)
}

/** Says why notices do not arrive, as far as the settings tell. */
function deafness({ databaseDirectUrl }: Config): string {
  const cause =
    databaseDirectUrl === undefined
      ? 'DATABASE_URL probably leads to a connection pooler in transaction mode. Set DATABASE_DIRECT_URL to the address of the server itself.'
      : 'DATABASE_DIRECT_URL must lead to the same database as DATABASE_URL, and not through a connection pooler.'
  return `Notices of the database do not arrive, so this instance reads revocations four times a second. ${cause}`
}

async function openClock(database: Database, onClose: OnClose): Promise<Clock> {
  const clock = await databaseClock(database)
  onClose(clock.stop)
  return clock
}

/** The embedded database has one process and needs no notices, so there `REDIS_URL` serves the rate limits alone. */
function revocationNotices(
  { kind, listen }: Database,
  { issuer }: Config,
  redis: WatchedRedis | undefined,
  onClose: OnClose
): NoticeSource | undefined {
  if (redis === undefined || kind === 'embedded') {
    return listen && { connect: listen('latchkey_revocation'), lossy: false }
  }
  const notices = redis.redisNotices(redis.url, issuer, redis.watch)
  onClose(notices.close)
  return notices
}

function windowLimits({ issuer }: Config, redis: WatchedRedis | undefined, onClose: OnClose): LimitCounter<RateLimit> {
  const inMemory = memoryRateLimits()
  if (redis === undefined) return inMemory
  const { url, watch } = redis
  const shared = redis.redisRateLimits({ url, watch, name: issuer, inMemory, digest: sha256 })
  onClose(shared.close)
  return shared
}

/** Throws a `ConfigError` with all mistakes in the folder of `MAIL_TEMPLATES`. */
async function openTemplates({ mailTemplates }: Config) {
  if (mailTemplates === undefined) return shippedTemplates
  const { templates, faults } = await readTemplates(mailTemplates)
  if (faults.length > 0) throw new ConfigError(faults.map((fault) => `MAIL_TEMPLATES: ${fault}`))
  return templates
}

/** Undefined if there is no way to send mail. Mails of other instances then stay for those. */
async function openSender(
  config: Config,
  { mailer: given, printMail = true }: Overrides,
  parts: Pick<MailSenderParts, 'outbox' | 'render' | 'opaqueTokens' | 'clock' | 'log'>,
  onClose: OnClose
): Promise<MailSender | undefined> {
  const mailer = given ?? (await chooseMailer(config))
  const isForDevelopment = printMail && !config.production && isLoopback(config.host)
  const chosen = mailer ?? (isForDevelopment ? logMailer(parts.log) : undefined)
  if (chosen === undefined) return undefined
  const sender = openMailSender({
    ...parts,
    mailer: chosen,
    printsOnly: mailer === undefined,
    digest: sha256,
    accountUrl: config.accountUrl,
    domain: new URL(config.issuer).hostname
  })
  onClose(sender.close)
  return sender
}

async function chooseMailer({ mailUrl, mailFrom }: Config): Promise<Mailer | undefined> {
  if (mailUrl === undefined || mailFrom === undefined) return undefined
  const { smtpMailer } = await import('./adapters/mail/smtp-mailer.js')
  return smtpMailer(readMailUrl(mailUrl), mailFrom)
}

function openBreachedPasswords({ breachedPasswordsUrl: url }: Config, log: Log) {
  if (url === undefined) return noBreachedPasswords
  return breachedPasswords({
    url,
    onFailure: (error) =>
      log.warn({ reason: inOneLine(error) }, 'BREACHED_PASSWORDS_URL could not be asked: the password is accepted')
  })
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
    passwordLogin: config.passwordLogin,
    registration: config.registration,
    emailVerification: config.emailVerification,
    tokenAttributes: config.tokenAttributes,
    reauthenticationSeconds: config.reauthenticationSeconds
  }
}
