import type { Cluster } from './cluster.js'

const pauseSeconds = 60

/** How much log may lie between two checkpoints. */
const maxLogBytes = 8 * 2 ** 20

/** A table is vacuumed at this many dead rows plus this share of its live rows; about where autovacuum would begin. */
const deadRows = 1000
const deadShare = 0.2

/**
 * Runs `upkeep` every minute, until the returned function is called, which waits for a run in progress. It replaces a
 * server's checkpointer and autovacuum, which a single-user PostgreSQL does not have. Without it, the log grows as long
 * as the process lives, a start after a kill replays all of it, and the space of deleted rows is never used again.
 */
export function keepUp(cluster: Cluster): () => Promise<void> {
  let working: Promise<void> = Promise.resolve()
  const turn = () => {
    // If it fails, because the disk is full or the database has stopped, the next turn does the work.
    working = upkeep(cluster).catch(() => undefined)
  }
  const timer = setInterval(turn, pauseSeconds * 1000).unref()
  return async () => {
    clearInterval(timer)
    await working
  }
}

/** Vacuums tables with many dead rows, and makes a checkpoint if the log is long. */
export async function upkeep(cluster: Cluster): Promise<void> {
  const { rows: tables } = await cluster.query<{ readonly name: string }>(
    `SELECT quote_ident(relname) AS name FROM pg_stat_user_tables
     WHERE n_dead_tup > $1::float8 + $2::float8 * n_live_tup`,
    [deadRows, deadShare]
  )
  for (const { name } of tables) await cluster.exec(`VACUUM (ANALYZE) ${name}`)
  const { rows: logs } = await cluster.query<{ readonly bytes: number }>(
    'SELECT (pg_current_wal_insert_lsn() - redo_lsn)::float8 AS bytes FROM pg_control_checkpoint()'
  )
  if (logs.some(({ bytes }) => bytes > maxLogBytes)) await cluster.exec('CHECKPOINT')
}
