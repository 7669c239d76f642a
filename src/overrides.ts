import type { FastifyServerOptions } from 'fastify'
import type { Database } from './adapters/prisma/database.js'
import type { PurgeTiming } from './adapters/prisma/stores/regular-purge.js'
import type { NamedHook } from './core/hooks.js'
import type { ClaimsFunction } from './ports/added-claims.js'
import type { Mailer } from './ports/mail.js'
import type { Clock } from './ports/runtime.js'

/**
 * Replacements for parts of the service, for tests and unusual hosts. The package's types leave out what is internal: it
 * would need Prisma's types.
 */
export interface Overrides {
  /**
   * An open database. The caller closes it.
   * @internal
   */
  readonly database?: Database
  readonly clock?: Clock
  readonly keyTiming?: {
    /** How long the next signing key is published before it signs; `publishLeadSeconds` by default. */
    readonly publishLeadSeconds?: number
    /** How often the keys are read and rotated if due; 30 s by default. */
    readonly checkMilliseconds?: number
  }
  /** @internal */
  readonly purgeTiming?: PurgeTiming
  /** Sends mails in place of `MAIL_URL`. */
  readonly mailer?: Mailer | undefined
  /** Makes claims that are added to access tokens (docs/plugin.md#claims). */
  readonly claims?: ClaimsFunction | undefined
  /** How long `claims` may take; 2 s by default. */
  readonly claimsMilliseconds?: number
  /**
   * The hooks of a host. The plugin starts them.
   * @internal
   */
  readonly hooks?: readonly NamedHook[]
  /** Whether mails may be printed into the log where the settings allow it; true by default. */
  readonly printMail?: boolean
  /** Aborted when the service is about to stop: `/readyz` then answers 503, and all else is served. */
  readonly leaving?: AbortSignal
  /** Fastify's `logger` option; by default pino at `logLevel`, without credentials. */
  readonly logger?: FastifyServerOptions['logger']
  /** How long a request waits for its answer if a rate limit or the full password queue refuses it; 1 s by default. */
  readonly refusalMilliseconds?: number
  /** How long a closing app, which accepts no new connection, keeps idle connections open; 0 by default. */
  readonly drainMilliseconds?: number
}
