import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BenchDatabase, rootSecret } from './database.js'
import type { Contender } from './measure.js'
import { type Server, startServer } from './processes.js'

/** What is compared: requests of one kind, sent to servers of several kinds. */
export interface Row {
  readonly title: string
  /** With more connections than this the row is left out; it is measured with all of them by default. */
  readonly maxConnections?: number
  /** Starts the servers. The first contender is the limit, and the others are compared with it. */
  contenders(bench: Bench): Promise<readonly Contender[]>
}

/** What rows need to start their servers and make their clients. */
export class Bench {
  readonly #servers: Server[] = []
  readonly #folders: string[] = []

  constructor(
    readonly database: BenchDatabase,
    /** How many clients each contender needs. */
    readonly maxConnections: number
  ) {}

  /** Latchkey on the PostgreSQL server. Its own settings are those of the documentation, but for the cost of bcrypt. */
  latchkey(options: object = {}): Promise<Server> {
    return this.start('latchkey', [
      JSON.stringify({ databaseUrl: this.database.url, rootSecret: [rootSecret], bcryptCost: 4, ...options })
    ])
  }

  limit(): Promise<Server> {
    return this.start('limit', [this.database.serverUrl, this.database.schema])
  }

  async start(module: string, args: readonly string[] = []): Promise<Server> {
    const server = await startServer(new URL(`servers/${module}.js`, import.meta.url), args)
    this.#servers.push(server)
    return server
  }

  /** One for each connection. */
  repeated<T>(make: (index: number) => T): readonly T[] {
    return Array.from({ length: this.maxConnections }, (_, index) => make(index))
  }

  /** A new folder for an embedded database. */
  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-bench-'))
    this.#folders.push(folder)
    return folder
  }

  async stopServers(): Promise<void> {
    await Promise.all(this.#servers.splice(0).map((server) => server.stop()))
    await Promise.all(this.#folders.splice(0).map((folder) => rm(folder, { recursive: true })))
  }
}
