import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BenchDatabase, rootSecret } from './database.js'
import type { Contender } from './measure.js'
import { type Server, startServer } from './processes.js'

const redisUrl = process.env.TEST_REDIS_URL
/** From build/bench/compare. */
const peers = new URL('../../../bench/peers/', import.meta.url)
const peersAreInstalled = existsSync(new URL('node_modules', peers))

/** What the table leaves out on this machine, and what to do about it. */
export const leftOut: readonly string[] = [
  ...(peersAreInstalled ? [] : ['Without peers. To install them: npm ci --prefix bench/peers']),
  ...(redisUrl === undefined
    ? ['Without express-session, which needs Redis: TEST_REDIS_URL=redis://127.0.0.1:6379']
    : [])
]

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

  start(module: string, args: readonly string[] = []): Promise<Server> {
    return this.#start(new URL(`servers/${module}.js`, import.meta.url), args)
  }

  /** A server of bench/peers on a schema of its own, as a list that is empty if the peers are not installed. */
  async peer(module: string, ...args: readonly string[]): Promise<readonly Server[]> {
    if (!peersAreInstalled) return []
    const schema = await this.database.addSchema()
    return [await this.#start(new URL(`${module}.js`, peers), [this.database.serverUrl, schema, ...args])]
  }

  /** express-session with connect-redis; an empty list if the peers are not installed or there is no Redis. */
  async expressSession(): Promise<readonly Server[]> {
    if (!peersAreInstalled || redisUrl === undefined) return []
    return [await this.#start(new URL('express-session.js', peers), [redisUrl])]
  }

  async #start(module: URL, args: readonly string[]): Promise<Server> {
    const server = await startServer(module, args)
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
