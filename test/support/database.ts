import { randomUUID } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { Test } from 'tap'
import { type EmbeddedOptions, openEmbeddedDatabase } from '../../src/adapters/embedded/embedded-database.js'
import type { Database } from '../../src/adapters/prisma/database.js'
import { openServerDatabase, type ServerOptions } from '../../src/adapters/prisma/server/server-database.js'
import { schemaMark } from '../../src/adapters/prisma/tables.js'

export type DatabaseKind = Database['kind']

/** The PostgreSQL server in which tests may create schemas; undefined without TEST_DATABASE_URL. */
export const serverUrl = process.env.TEST_DATABASE_URL

export interface TestDatabaseOptions {
  readonly kind: DatabaseKind
  readonly embedded?: Omit<EmbeddedOptions, 'dataDir' | 'template'>
  readonly server?: Omit<ServerOptions, 'url'>
}

/** The kinds of database that this run covers. Reports a skipped assertion if there is no server. */
export function testDatabases(t: Test): readonly DatabaseKind[] {
  if (serverUrl !== undefined) return ['embedded', 'server']
  t.pass('what needs a PostgreSQL server', { skip: 'TEST_DATABASE_URL is not set' })
  return ['embedded']
}

/** A new, migrated database in its own folder or schema, deleted when `t` ends. */
export async function openTestDatabase(t: Pick<Test, 'teardown'>, options: TestDatabaseOptions): Promise<Database> {
  if (options.kind === 'server') return openTestServer(t, options.server)
  return closingWith(t, await openEmbeddedDatabase({ ...options.embedded, dataDir: await testDataFolder(t) }))
}

/** A new folder, deleted when `t` ends. */
export async function testFolder(t: Pick<Test, 'teardown'>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-test-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const migratedCluster = fileURLToPath(new URL('../../migrated-cluster', import.meta.url))

/**
 * A data folder with an empty, migrated database, deleted when `t` ends. It is a copy, because unpacking and migrating
 * would cost each test a second.
 */
export async function testDataFolder(t: Pick<Test, 'teardown'>): Promise<string> {
  const folder = await testFolder(t)
  if (!existsSync(migratedCluster)) await createMigratedCluster(t)
  copyFolder(migratedCluster, join(folder, 'postgres'))
  return folder
}

async function createMigratedCluster(t: Pick<Test, 'teardown'>): Promise<void> {
  const dataDir = await testFolder(t)
  await (await openEmbeddedDatabase({ dataDir })).close()
  const unfinished = `${migratedCluster}.${process.pid}`
  copyFolder(join(dataDir, 'postgres'), unfinished)
  // The rename fails if another test's process was first: then its cluster is used.
  await rename(unfinished, migratedCluster).catch(() => rm(unfinished, { recursive: true }))
}

/** Synchronous on purpose: `fs.promises.cp` takes 0.7 s for a cluster's thousand small files, this loop 0.05 s. */
function copyFolder(from: string, to: string): void {
  mkdirSync(to)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const copy = entry.isDirectory() ? copyFolder : copyFileSync
    copy(join(from, entry.name), join(to, entry.name))
  }
}

/**
 * The URL of a new schema, dropped when `t` ends. Its sessions have another `search_path` and another time zone, because
 * no statement may depend on them. Throws without `serverUrl`.
 */
export async function testSchema(t: Pick<Test, 'teardown'>): Promise<string> {
  if (serverUrl === undefined) throw new Error('TEST_DATABASE_URL is not set.')
  const schema = `test_${randomUUID().replaceAll('-', '')}`
  t.teardown(() => onServer((client) => client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)))
  const url = new URL(serverUrl)
  url.searchParams.set('schema', schema)
  url.searchParams.set('options', '-c search_path=elsewhere -c TimeZone=Asia/Kolkata')
  return url.href
}

/** The URL of a new, empty database, dropped when `t` ends. Only its creation and its end need the right to create it. */
export async function testServerDatabase(t: Pick<Test, 'teardown'>): Promise<string> {
  if (serverUrl === undefined) throw new Error('TEST_DATABASE_URL is not set.')
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await onServer((client) => client.query(`CREATE DATABASE ${name}`))
  t.teardown(() => onServer((client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)))
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return url.href
}

/** Runs `action` on its own connection, beside the code under test. */
export async function onServer<T>(action: (client: pg.Client) => Promise<T>, url = serverUrl): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await action(client)
  } finally {
    await client.end()
  }
}

/** Runs SQL with `$1`-style values in the database's schema, and returns its rows. */
export async function sql<Row>(database: Database, text: string, ...values: unknown[]): Promise<Row[]> {
  const [, rows] = await database.run((prisma) =>
    prisma.$transaction([
      prisma.$executeRawUnsafe(`SET LOCAL search_path = ${schemaMark}`),
      prisma.$queryRawUnsafe<Row[]>(text, ...values)
    ])
  )
  return rows
}

/**
 * Moves all times of a session's row into the past, as if `seconds` had passed. Its creation stays after the last end of
 * everybody's sessions, which it has survived.
 */
export async function age(database: Database, sid: string, seconds: number): Promise<void> {
  const uses = ['rotated_at', 'last_used_at', 'used_before_at']
  const times = [...uses, 'auth_time', 'idle_expires_at', 'absolute_expires_at']
  const shifts = times.map((time) => `"${time}" = "${time}" - make_interval(secs => $2)`)
  const created = `greatest("created_at" - make_interval(secs => $2), "ended"."at" + interval '1 millisecond')`
  const aged = await sql(
    database,
    `UPDATE "session" SET ${shifts.join(', ')}, "created_at" = ${created}
     FROM (SELECT max("at") AS "at" FROM "everybody_revoked") AS "ended"
     WHERE "id" = $1::uuid RETURNING 1 AS "aged"`,
    sid,
    seconds
  )
  if (aged.length !== 1) throw new Error(`There is no session ${sid} to age.`)
}

async function openTestServer(t: Pick<Test, 'teardown'>, options: TestDatabaseOptions['server']): Promise<Database> {
  return closingWith(t, await openServerDatabase({ ...options, url: await testSchema(t) }))
}

function closingWith(t: Pick<Test, 'teardown'>, database: Database): Database {
  t.teardown(() => database.close())
  return database
}
