import { Prisma } from './generated/client.js'

/** Stands for the schema of the database in the text of a statement; `inSchema` fills it in. */
export const schemaMark = '"{schema}"'

const table = (name: string) => Prisma.raw(`${schemaMark}."${name}"`)

/**
 * The tables with their schema, for statements: `FROM ${tables.session} s`. A table without its schema is searched in the
 * connection's `search_path`. Statements must not depend on it: a pooler gives each transaction any connection.
 */
export const tables = {
  client: table('client'),
  clientSecret: table('client_secret'),
  event: table('event'),
  everybodyRevoked: table('everybody_revoked'),
  guessRun: table('guess_run'),
  hook: table('hook'),
  lease: table('lease'),
  mail: table('mail'),
  migrationLock: table('migration_lock'),
  migrations: table('_prisma_migrations'),
  namedLock: table('named_lock'),
  oneTimeLink: table('one_time_link'),
  readinessProbe: table('readiness_probe'),
  registration: table('registration'),
  revocation: table('revocation'),
  session: table('session'),
  signingKey: table('signing_key'),
  user: table('user')
} as const
