import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import { stopAtPanic } from '../../../src/adapters/embedded/cluster.js'
import { SyncedFiles } from '../../../src/adapters/embedded/disk.js'
import { startParams } from '../../../src/adapters/embedded/embedded-database.js'

const statements = {
  refresh: `UPDATE session SET generation = generation + 1, rotated_at = now(), last_used_at = now(),
              idle_expires_at = least(now() + interval '14 days', absolute_expires_at)
            WHERE id = $1 AND generation = $2 AND secret_hash = $3 AND idle_expires_at > now()
            RETURNING user_id, generation`,
  logout: 'DELETE FROM session WHERE id = $1 AND secret_hash = $2 RETURNING user_id, generation'
}

type Run = (
  name: keyof typeof statements,
  values: readonly string[]
) => Promise<readonly { user_id: string; generation: string }[]>

/**
 * The statements of the limit, on a server (its address and schema), or embedded with Latchkey's own settings and files
 * (without arguments), where each commit is a flush too.
 */
export async function openStatements([url, schema]: readonly string[]): Promise<Run> {
  return url === undefined ? openEmbedded() : openServer(url, schema)
}

function openServer(url: string, schema: string | undefined): Run {
  const pool = new pg.Pool({ connectionString: url, max: 10, options: `-c search_path=${schema}` })
  return async (name, values) => (await pool.query({ name, text: statements[name], values: [...values] })).rows
}

async function openEmbedded(): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-limit-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const pglite = await PGlite.create({
    fs: new SyncedFiles(join(folder, 'postgres'), stopAtPanic),
    startParams,
    relaxedDurability: false
  })
  // The secret is empty: sha256 of no bytes.
  await pglite.exec(`
    CREATE TABLE session (id uuid PRIMARY KEY, user_id uuid NOT NULL, secret_hash text NOT NULL,
      generation bigint NOT NULL DEFAULT 0, rotated_at timestamptz(3), last_used_at timestamptz(3),
      idle_expires_at timestamptz(3) NOT NULL, absolute_expires_at timestamptz(3) NOT NULL);
    INSERT INTO session SELECT md5(n::text)::uuid, md5(n::text)::uuid, encode(sha256(''), 'hex'), 0, null, now(),
      now() + interval '1 day', now() + interval '90 days' FROM generate_series(0, 255) AS n;
    PREPARE refresh (uuid, bigint, text) AS ${statements.refresh};
    PREPARE logout (uuid, text) AS ${statements.logout}`)
  return async (name, values) => {
    const literals = values.map((value) => `'${value.replaceAll("'", "''")}'`).join(', ')
    const [result] = await pglite.exec(`EXECUTE ${name} (${literals})`)
    return (result?.rows ?? []) as { user_id: string; generation: string }[]
  }
}
