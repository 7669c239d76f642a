import { randomUUID } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils'
import pg from 'pg'
import type { Test } from 'tap'
import { onServer } from '../database.js'

/** The engine of `prisma migrate` and `prisma db push`, as the Prisma CLI uses it, but without its download. */
export interface SchemaEngine {
  /** What `prisma migrate deploy` does. Resolves to the names of the migrations that it applied. */
  deploy(): Promise<readonly string[]>
  /** What `prisma migrate dev` does first: `undefined` if it goes on, else the reason why it wants to reset the database. */
  dev(): Promise<string | undefined>
  /** What `prisma migrate dev` writes into the next migration. */
  nextMigration(): Promise<string>
  /** What `prisma db push` changes: the number of statements, and its warnings. */
  push(): Promise<{ readonly executedSteps: number; readonly warnings: readonly string[] }>
  /** What `prisma migrate reset` does. */
  reset(): Promise<void>
}

/** A project that uses Prisma. */
export interface PrismaProject {
  readonly url: string
  /** The text of its `schema.prisma`. */
  readonly model: string
  readonly migrations: readonly { readonly name: string; readonly sql: string }[]
}

interface WasmEngine {
  applyMigrations(input: object): Promise<{ appliedMigrationNames: string[] }>
  devDiagnostic(input: object): Promise<{ action: { tag: 'createMigration' } | { tag: 'reset'; reason: string } }>
  createMigration(input: object): Promise<{ migrationScript: string | null }>
  schemaPush(input: object): Promise<{ executedSteps: number; warnings: string[] }>
  reset(input: object): Promise<void>
}

type WasmExports = Readonly<Record<string, unknown>>

/** Of all platforms that have it; the types of Node have too little. */
interface WebAssemblyOfNode {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: WasmExports }
}

interface WasmModule {
  readonly SchemaEngine: {
    new: (options: object, log: (line: string) => void, adapter: object) => Promise<WasmEngine>
  }
  __wbg_set_wasm(exports: WasmExports): void
}

/** The engine for a project, whose tables are in the schema that the URL names, or in `public`. */
export async function schemaEngine(t: Test, { url, model, migrations }: PrismaProject): Promise<SchemaEngine> {
  const files = [{ path: 'schema.prisma', content: model }]
  const engines = await loadEngine()
  const adapter = bindMigrationAwareSqlAdapterFactory(adapterFactory(t, new URL(url)))
  const datamodels = files.map(({ path, content }) => [path, content])
  const engine = await engines.SchemaEngine.new({ datamodels }, () => undefined, adapter)
  const filters = { externalTables: [], externalEnums: [] }
  const migrationsList = {
    baseDir: 'migrations',
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDbInitScript: '',
    migrationDirectories: migrations.map(({ name, sql }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: sql } }
    }))
  }
  const project = { migrationsList, filters, schema: { files } }
  return {
    deploy: async () => (await engine.applyMigrations(project)).appliedMigrationNames,
    async dev() {
      const { action } = await engine.devDiagnostic(project)
      return action.tag === 'reset' ? action.reason : undefined
    },
    async nextMigration() {
      const created = await engine.createMigration({ ...project, migrationName: 'next', draft: true })
      return created.migrationScript ?? ''
    },
    push: () => engine.schemaPush({ ...project, force: false }),
    reset: () => engine.reset({ filter: filters })
  }
}

let loaded: Promise<WasmModule> | undefined

function loadEngine(): Promise<WasmModule> {
  loaded ??= instantiateEngine()
  return loaded
}

async function instantiateEngine(): Promise<WasmModule> {
  const glue = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg')
  const engine: WasmModule = await import(pathToFileURL(glue).href)
  const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyOfNode }).WebAssembly
  const binary = new Module(readFileSync(join(dirname(glue), 'schema_engine_bg.wasm')))
  const { exports } = new Instance(binary, { './schema_engine_bg.js': { ...engine } })
  engine.__wbg_set_wasm(exports)
  if (typeof exports.__wbindgen_start === 'function') exports.__wbindgen_start()
  return engine
}

function adapterFactory(t: Test, url: URL) {
  const schema = url.searchParams.get('schema') ?? 'public'
  async function connect(database: string) {
    const pool = connectionPool(t, url, database)
    const adapter = await new PrismaPg(pool, { schema }).connect()
    // The adapter would take each semicolon for the end of a statement.
    adapter.executeScript = async (script) => void (await pool.query(script))
    const { queryRaw } = adapter
    adapter.queryRaw = async (query) => {
      const result = await queryRaw.call(adapter, query)
      const isLetter = (i: number) => result.columnNames[i] === 'constraint_type'
      return {
        ...result,
        columnTypes: result.columnTypes.map((type, i) => (isLetter(i) ? ColumnTypeEnum.Character : type))
      }
    }
    return adapter
  }
  return {
    provider: 'postgres' as const,
    adapterName: '@prisma/adapter-pg',
    connect: () => connect(url.pathname.slice(1)),
    /** The adapter's own drops the database before it has left it. */
    async connectToShadowDb() {
      const database = `test_shadow_${randomUUID().replaceAll('-', '')}`
      await onServer((client) => client.query(`CREATE DATABASE ${database}`), url.href)
      t.teardown(() => onServer((client) => client.query(`DROP DATABASE ${database} WITH (FORCE)`), url.href))
      return connect(database)
    }
  }
}

/** The adapter cannot read columns of the type "char", which the engine asks the catalogue for. */
const char = 18
const text = 25

interface RowDescription {
  readonly fields: { dataTypeID: number }[]
}

function connectionPool(t: Test, { hostname, port, username, password, searchParams }: URL, database: string): pg.Pool {
  const options = `-c search_path="${searchParams.get('schema') ?? 'public'}"`
  const pool = new pg.Pool({
    ...{ host: hostname, port: Number(port), user: username, password, database, options, max: 2 },
    // The CLI's process ends, and with it its connection and the advisory lock of a migration.
    idleTimeoutMillis: 1
  })
  // The server ends connections to a database that is dropped.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => {
    const { connection } = client as unknown as { readonly connection: EventEmitter }
    connection.prependListener('rowDescription', ({ fields }: RowDescription) => {
      for (const field of fields) if (field.dataTypeID === char) field.dataTypeID = text
    })
  })
  t.teardown(() => pool.end())
  return pool
}
