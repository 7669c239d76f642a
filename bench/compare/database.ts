import { createHash, randomBytes, randomUUID } from 'node:crypto'
import pg from 'pg'
import { opaqueTokens } from '../../src/adapters/secrets/opaque-tokens.js'
import { rootSecrets } from '../../src/adapters/secrets/root-secrets.js'
import { systemEntropy } from '../../src/adapters/secrets/system.js'

/** The root secret of every Latchkey here, so that tokens of sessions written by SQL can be made. */
export const rootSecret = 'r'.repeat(32)

/** A session written by SQL. Its secret is in hex. */
export interface Seeded {
  readonly sid: string
  readonly secret: string
  readonly email: string
}

export const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')

/** A schema of its own on the PostgreSQL server, with one connection beside those of the servers under measurement. */
export class BenchDatabase {
  readonly schema = `bench_${randomUUID().replaceAll('-', '')}`
  readonly #client: pg.Client
  /** All schemas made so far. The first one has Latchkey's tables. */
  readonly #schemas = [this.schema]

  private constructor(readonly serverUrl: string) {
    this.#client = new pg.Client({ connectionString: serverUrl })
  }

  static async create(serverUrl: string): Promise<BenchDatabase> {
    const database = new BenchDatabase(serverUrl)
    await database.#client.connect()
    await database.query(`CREATE SCHEMA "${database.schema}"`)
    await database.query(`SET search_path = "${database.schema}"`)
    return database
  }

  /** The address with the schema, as Latchkey's `databaseUrl` takes it. */
  get url(): string {
    const address = new URL(this.serverUrl)
    address.searchParams.set('schema', this.schema)
    return address.href
  }

  async query<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.#client.query<Row>(text, [...values])).rows
  }

  /** A new schema, for a server with tables of its own. */
  async addSchema(): Promise<string> {
    const name = `${this.schema}_${this.#schemas.length}`
    this.#schemas.push(name)
    await this.query(`CREATE SCHEMA "${name}"`)
    return name
  }

  async drop(): Promise<void> {
    for (const name of this.#schemas) await this.query(`DROP SCHEMA "${name}" CASCADE`)
    await this.#client.end()
  }

  /** Adds sessions to Latchkey's tables, each of a user of its own with this password hash. */
  async seedSessions(count: number, passwordHash = 'none:'): Promise<readonly Seeded[]> {
    const seeded = Array.from({ length: count }, () => {
      const sid = randomUUID()
      return { sid, secret: randomBytes(32).toString('hex'), email: `${sid}@example.test` }
    })
    const sids = seeded.map(({ sid }) => sid)
    await this.query(
      `INSERT INTO "user" (id, email, email_key, password_hash)
       SELECT sid, sid || '@example.test', sid || '@example.test', $2 FROM unnest($1::uuid[]) AS s(sid)`,
      [sids, passwordHash]
    )
    await this.query(
      `INSERT INTO session (id, user_id, secret_hash, mode, amr, idle_expires_at, absolute_expires_at)
       SELECT sid, sid, hash, 'body', '{pwd}', now() + interval '1 day', now() + interval '90 days'
       FROM unnest($1::uuid[], $2::text[]) AS s(sid, hash)`,
      [sids, seeded.map(({ secret }) => sha256(Buffer.from(secret, 'hex')))]
    )
    // As autovacuum does within a minute, so that no server is measured with plans for empty tables.
    await this.query('ANALYZE "user", session')
    return seeded
  }
}

const [newest, ...older] = await rootSecrets({
  configured: [rootSecret],
  dataDir: '',
  required: true,
  entropy: systemEntropy
})
const tokens = opaqueTokens([newest, ...older])

/** The session's first refresh token, as Latchkey makes it. */
export function latchkeyToken({ sid, secret }: Pick<Seeded, 'sid' | 'secret'>): string {
  return tokens.issue('refresh', { sid, generation: 0, secret: Buffer.from(secret, 'hex') })
}

/** The session's first refresh token, as the limit makes it. */
export function limitToken({ sid, secret }: Pick<Seeded, 'sid' | 'secret'>): string {
  return `${sid}.0.${secret}`
}
