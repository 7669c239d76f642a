import { clientIdOf, maxClientSecrets, uuidOfClient } from '../../../core/clients.js'
import type { Revocation } from '../../../core/revocation-set.js'
import type { Client, ClientSecret, ClientStore, NewClientSecret } from '../../../ports/clients.js'
import type { Actor } from '../../../ports/events.js'
import { type Database, query } from '../database.js'
import { Prisma, type PrismaClient } from '../generated/client.js'
import { by, clientEventTarget } from '../sql/audit-events.js'
import { type FeedPolicy, revocationLife, type Statements } from '../sql/end-sessions.js'
import { clock, revocationColumns, seconds } from '../sql/fragments.js'
import { byCreation, where } from '../sql/listing.js'
import { tables } from '../tables.js'

/** A row of `client`: its id is the bare UUID. */
type ClientRow = Omit<Client, 'secrets'>
type SecretRow = ClientSecret & { readonly clientId: string }
interface AuthenticatedRow {
  readonly id: string
  readonly secretId: string
  readonly scopes: readonly string[]
  readonly now: number
}

const newestFirst = byCreation<ClientRow>('clients', 'c')

const clientColumns = Prisma.sql`c.id, c.name, c.scopes, c.created_at AS "createdAt"`
const secretColumns = Prisma.sql`
  k.id, k.client_id AS "clientId", k.hint, k.created_at AS "createdAt", k.last_used_at AS "lastUsedAt"`

/** The use of a secret is written at most this often, so that a token costs no write. */
const noteUseEverySeconds = 3600

/** Machine clients in PostgreSQL. An id that is not the id of a client matches no row. */
export function prismaClientStore(database: Database, policy: FeedPolicy): ClientStore {
  const secretsOf = (prisma: Statements, clients: readonly string[]) =>
    prisma.$queryRaw<SecretRow[]>`
      SELECT ${secretColumns} FROM ${tables.clientSecret} k WHERE k.client_id = ANY (${[...clients]}::uuid[])
      ORDER BY k.created_at DESC, k.id DESC`

  return {
    create({ id, name, scopes, secret }, actor) {
      const uuid = uuidOfClient(id) ?? null
      return transaction(database, async (prisma) => {
        const [row] = await prisma.$queryRaw<ClientRow[]>`
          WITH c AS (
            INSERT INTO ${tables.client} (id, name, scopes) VALUES (${uuid}::uuid, ${name}, ${[...scopes]}::text[]) RETURNING *
          ), noted AS (
            INSERT INTO ${clientEventTarget} SELECT 'client_created', c.id, NULL::uuid, c.name, ${by(actor)} FROM c
          )
          SELECT ${clientColumns} FROM c`
        const added = await insertSecret(prisma, uuid, secret, actor)
        if (row === undefined) throw new Error('The database returned no client.')
        return toClient(row, added)
      })
    },

    async list(page) {
      const rows = await query<ClientRow>(database)`
        SELECT ${clientColumns} FROM ${tables.client} c ${where([newestFirst.after(page.cursor)])}
        ORDER BY c.created_at DESC, c.id DESC LIMIT ${page.limit + 1}`
      const { items, nextCursor } = newestFirst.page(rows, page)
      const secrets = await database.run((prisma) =>
        secretsOf(
          prisma,
          items.map(({ id }) => id)
        )
      )
      return { items: items.map((row) => toClient(row, secrets)), nextCursor }
    },

    addSecret(clientId, secret, actor) {
      const uuid = uuidOfClient(clientId) ?? null
      return transaction(database, async (prisma) => {
        const [row] = await lockClient(prisma, uuid)
        if (row === undefined) return undefined
        const before = await secretsOf(prisma, [row.id])
        if (before.length >= maxClientSecrets) return 'too_many_secrets'
        const added = await insertSecret(prisma, row.id, secret, actor)
        return toClient(row, [...added, ...before])
      })
    },

    async deleteSecret(clientId, secretId, actor) {
      const deleted = Prisma.sql`k.id = ${secretId}::uuid AND k.client_id = ${uuidOfClient(clientId) ?? null}::uuid`
      const [revocation] = await query<Revocation>(database)`
        WITH gone AS (
          DELETE FROM ${tables.clientSecret} k WHERE ${deleted} RETURNING k.id, k.client_id, k.hint
        ), noted AS (
          INSERT INTO ${clientEventTarget} SELECT 'client_secret_deleted', client_id, id, hint, ${by(actor)} FROM gone
        ), ${revokeTokens(policy)}
        SELECT ${revocationColumns} FROM r`
      return revocation
    },

    delete(clientId, actor) {
      return transaction(database, async (prisma) => {
        const [row] = await lockClient(prisma, uuidOfClient(clientId) ?? null)
        if (row === undefined) return undefined
        return prisma.$queryRaw<Revocation[]>`
          WITH gone AS (
            DELETE FROM ${tables.clientSecret} k WHERE k.client_id = ${row.id}::uuid RETURNING k.id
          ), deleted AS (
            DELETE FROM ${tables.client} c WHERE c.id = ${row.id}::uuid RETURNING c.id, c.name
          ), noted AS (
            INSERT INTO ${clientEventTarget} SELECT 'client_deleted', id, NULL::uuid, name, ${by(actor)} FROM deleted
          ), ${revokeTokens(policy)}
          SELECT ${revocationColumns} FROM r`
      })
    },

    async authenticate(clientId, secretHash) {
      const uuid = uuidOfClient(clientId)
      if (uuid === undefined) return undefined
      const isSecret = Prisma.sql`k.client_id = ${uuid}::uuid AND k.secret_hash = ${secretHash ?? null}`
      const [row] = await query<AuthenticatedRow>(database)`
        WITH used AS (
          UPDATE ${tables.clientSecret} k SET last_used_at = ${clock}
          WHERE ${isSecret}
            AND (k.last_used_at IS NULL OR k.last_used_at <= ${clock} - ${seconds(noteUseEverySeconds)})
        )
        SELECT c.id, k.id AS "secretId", c.scopes, ${clock} AS now
        FROM ${tables.clientSecret} k JOIN ${tables.client} c ON c.id = k.client_id WHERE ${isSecret}`
      return row && { clientId: clientIdOf(row.id), secretId: row.secretId, scopes: row.scopes, now: row.now }
    }
  }
}

/**
 * Locks the client's row until the transaction ends. It must be a statement of its own: the next one then sees the
 * secrets that the transactions it waited for have added or deleted.
 */
function lockClient(prisma: Statements, uuid: string | null) {
  return prisma.$queryRaw<ClientRow[]>`
    SELECT ${clientColumns} FROM ${tables.client} c WHERE c.id = ${uuid}::uuid FOR NO KEY UPDATE`
}

function insertSecret(prisma: Statements, uuid: string | null, { id, hash, hint }: NewClientSecret, actor: Actor) {
  return prisma.$queryRaw<SecretRow[]>`
    WITH k AS (
      INSERT INTO ${tables.clientSecret} (id, client_id, secret_hash, hint)
      VALUES (${id}::uuid, ${uuid}::uuid, ${hash}, ${hint}) RETURNING *
    ), noted AS (
      INSERT INTO ${clientEventTarget} SELECT 'client_secret_added', client_id, id, hint, ${by(actor)} FROM k
    )
    SELECT ${secretColumns} FROM k`
}

/** Writes a revocation for each secret in `gone`. Its id is the `sid` of its tokens. */
const revokeTokens = (policy: FeedPolicy) => Prisma.sql`
  r AS (
    INSERT INTO ${tables.revocation} (sid, reason, expires_at)
    SELECT id, 'secret_deleted', ${clock} + ${revocationLife(policy)} FROM gone
    RETURNING *
  )`

function toClient({ id, ...client }: ClientRow, secrets: readonly SecretRow[]): Client {
  const own = secrets.filter(({ clientId }) => clientId === id)
  return { ...client, id: clientIdOf(id), secrets: own.map(({ clientId, ...secret }) => secret) }
}

/** Runs statements one after the other in a transaction, so that later ones can depend on earlier ones. */
function transaction<T>(database: Database, statements: (prisma: Pick<PrismaClient, '$queryRaw'>) => Promise<T>) {
  return database.run<T>((prisma) => prisma.$transaction(statements))
}
