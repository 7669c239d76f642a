import type { Test } from 'tap'
import { until } from './crowd.js'
import { type PostgresCluster, servePostgres } from './postgres-cluster.js'
import { startRelay } from './relay.js'

/** A server that follows `primary` by streaming, and answers reads meanwhile. */
export interface Standby extends PostgresCluster {
  /** Ends the replication for good. This server takes writes from then on, in a new timeline. */
  promote(): Promise<void>
  /** Breaks the connection to the primary, so that its later commits do not arrive, until `restoreReplication`. */
  cutReplication(): void
  restoreReplication(): void
  /** Resolves when this server has replayed everything that the primary has committed so far. */
  caughtUp(): Promise<void>
}

export interface StandbyOptions {
  /**
   * Whether a commit at the primary waits for this standby: with `remote_apply` until it can be read here, with `on`
   * until it is flushed. By default it does not wait.
   */
  readonly synchronousCommit?: 'on' | 'remote_apply'
  readonly settings?: Readonly<Record<string, string>>
}

const standbyName = 'standby'
const synchronousNow = `SELECT FROM pg_stat_replication WHERE application_name = '${standbyName}' AND sync_state = 'sync'`

/** Starts a standby of `primary`. It is deleted when `t` ends. A primary has at most one synchronous standby. */
export async function startStandby(t: Test, primary: PostgresCluster, options: StandbyOptions = {}): Promise<Standby> {
  const { synchronousCommit, settings = {} } = options
  const relay = await startRelay(t, primary.url)
  const { hostname, port } = new URL(relay.url)
  const source = `host=${hostname} port=${port} user=postgres application_name=${standbyName}`
  const cluster = await servePostgres(t, settings, async (data, program) => {
    const copied = ['--write-recovery-conf', '--wal-method=stream', '--checkpoint=fast', '--no-sync']
    await program('pg_basebackup', '-D', data, '-d', source, ...copied)
  })
  if (synchronousCommit !== undefined) {
    await primary.sql(`ALTER SYSTEM SET synchronous_commit = ${synchronousCommit}`)
    await primary.sql(`ALTER SYSTEM SET synchronous_standby_names = '${standbyName}'`)
    await primary.sql('SELECT pg_reload_conf()')
    await until(async () => (await primary.sql(synchronousNow)).length > 0)
  }
  return {
    ...cluster,
    promote: async () => void (await cluster.sql('SELECT pg_promote(wait => true)')),
    cutReplication: relay.cut,
    restoreReplication: relay.restore,
    async caughtUp() {
      const [row] = await primary.sql('SELECT pg_current_wal_flush_lsn()::text AS lsn')
      const { lsn } = Object(row)
      const replayed = `SELECT 1 WHERE pg_last_wal_replay_lsn() >= '${lsn}'`
      await until(async () => (await cluster.sql(replayed)).length > 0)
    }
  }
}
