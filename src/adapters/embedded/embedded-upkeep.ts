import type { Cluster } from './reopening-cluster.js'

const pauseSeconds = 60

/** How much of the log may lie between two checkpoints. */
const mostLogBytes = 8 * 2 ** 20

/** Where a server's autovacuum would begin, for small tables. */
const deadRows = 1000
const deadShare = 0.2

/**
 * Does what a server's checkpointer and autovacuum do, and a single-user PostgreSQL leaves undone: without it the
 * log grows for as long as the process lives, a start after a kill replays all of it, and the room of
 * removed rows is never used again. Goes on until the function it returns is called, which
 * waits for what is under way.
 */
export function keepUp(cluster: Cluster): () => Promise<void> {
  let working: Promise<void> = Promise.resolve()
  const turn = () => {
    // What could not be done now, for a full disk or a database that has stopped, the next turn does.
    working = upkeep(cluster).catch(() => undefined)
  }
  const timer = setInterval(turn, pauseSeconds * 1000).unref()
  return async () => {
    clearInterval(timer)
    await working
  }
}

/** One turn of it. */
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
  if (logs.some(({ bytes }) => bytes > mostLogBytes)) await cluster.exec('CHECKPOINT')
}
