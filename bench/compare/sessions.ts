import { createHash, randomBytes, randomUUID } from 'node:crypto'
import pg from 'pg'

/** The sessions of one contender: what each connection's requests are about. */
export interface Seeded {
  readonly sid: string
  readonly secret: string
}

export const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex')

export async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/** Adds sessions of one user to the tables of Latchkey, for contenders that use the same rows. */
export function seedSessions(url: string, schema: string, count: number): Promise<readonly Seeded[]> {
  return withClient(url, async (client) => {
    const userId = randomUUID()
    await client.query(`SET search_path = "${schema}"`)
    await client.query(`INSERT INTO "user" (id, email, email_key, password_hash) VALUES ($1, $2, $2, 'none:')`, [
      userId,
      `${userId}@example.test`
    ])
    const seeded = Array.from({ length: count }, () => ({ sid: randomUUID(), secret: randomBytes(32).toString('hex') }))
    await client.query(
      `INSERT INTO session (id, user_id, secret_hash, mode, amr, idle_expires_at, absolute_expires_at)
       SELECT sid, $1, hash, 'body', '{pwd}', now() + interval '1 day', now() + interval '90 days'
       FROM unnest($2::uuid[], $3::text[]) AS s(sid, hash)`,
      [userId, seeded.map(({ sid }) => sid), seeded.map(({ secret }) => sha256(secret))]
    )
    return seeded
  })
}
