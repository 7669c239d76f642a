import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { onServer } from '../database.js'
import { until } from './crowd.js'
import { accountId, cannotRunPostgres, freePort, type PostgresCluster } from './postgres-cluster.js'

const program = '/usr/sbin/pgbouncer'

/** Why this process cannot run a PostgreSQL server behind PgBouncer; false if it can. */
export const cannotRunPgbouncer = cannotRunPostgres || (!existsSync(program) && 'needs pgbouncer')

/**
 * Starts a PgBouncer in transaction mode in front of `cluster`, and returns its URL. It stops when `t` ends, and also if
 * this process is killed. `settings` are more lines of its file.
 */
export async function startPgbouncer(
  t: Test,
  cluster: PostgresCluster,
  settings: Readonly<Record<string, string>> = {}
): Promise<string> {
  const folder = await mkdtemp('/tmp/lkpb-')
  await chown(folder, accountId('-u'), accountId('-g'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const port = await freePort()
  const users = join(folder, 'users')
  await writeFile(users, '"postgres" ""\n')
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'trust',
    auth_file: users,
    pool_mode: 'transaction',
    ...settings
  }
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`)
  const file = join(folder, 'ini')
  await writeFile(
    file,
    ['[databases]', `* = host=127.0.0.1 port=${cluster.port}`, '[pgbouncer]', ...lines, ''].join('\n')
  )

  // The shell reads until this process ends, however it ends, and then stops PgBouncer.
  const script = `${program} -q -u postgres ${file} & cat; kill $!; wait`
  const shell = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'] })
  t.teardown(async () => {
    shell.stdin.end()
    await once(shell, 'close')
  })
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`
  await until(() => onServer(() => Promise.resolve(true), url).catch(() => false))
  return url
}
