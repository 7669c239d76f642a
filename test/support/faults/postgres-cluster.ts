import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { onServer } from '../database.js'

const run = promisify(execFile)

/** Where the server's own programs lie; empty where they are not installed. */
const programs = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' }).stdout?.trim() ?? ''
const accountId = (flag: '-u' | '-g') => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout)

/** PostgreSQL refuses to run as root, so that root becomes its account. */
export const cannotRunPostgres =
  (programs === '' && 'needs pg_config and initdb') || (process.getuid?.() !== 0 && 'needs root, to become postgres')

/** A PostgreSQL server of this test's own, which it may stop, starve and restart. */
export interface PostgresCluster {
  readonly url: string
  readonly port: number
  sql(text: string): Promise<unknown[]>
  /** These cut every connection off. */
  restart(): Promise<void>
  stop(): Promise<void>
  start(): Promise<void>
}

/** Starts one, with `settings` in its configuration. It goes when `t` ends, also when the test is killed. */
export async function startPostgres(
  t: Test,
  settings: Readonly<Record<string, string>> = {}
): Promise<PostgresCluster> {
  // Its socket's path must be short, and the account must reach it.
  const folder = await mkdtemp('/tmp/lkpg-')
  await chown(folder, accountId('-u'), accountId('-g'))
  await chmod(folder, 0o700)
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const data = join(folder, 'data')
  const port = await freePort()
  const program = (name: string, ...args: string[]) =>
    run('runuser', ['-u', 'postgres', '--', join(programs, name), ...args], { cwd: folder })
  await program('initdb', '-D', data, '-A', 'trust', '-U', 'postgres', '--no-sync')

  const all = { port, unix_socket_directories: folder, fsync: 'off', ...settings }
  const options = Object.entries(all).map(([name, value]) => `-c ${name}=${value}`)
  const control = (action: string, ...more: string[]) =>
    program('pg_ctl', '-D', data, '-m', 'fast', '-w', ...more, action)
  const start = async () => void (await control('start', '-l', join(folder, 'log'), '-o', options.join(' ')))
  await start()
  // It stops the server when this process ends, however it ends.
  const guard = spawn(
    'sh',
    ['-c', `cat; runuser -u postgres -- ${join(programs, 'pg_ctl')} -D ${data} -m immediate stop`],
    {
      cwd: folder,
      stdio: ['pipe', 'ignore', 'ignore']
    }
  )
  t.teardown(async () => {
    guard.stdin.end()
    await once(guard, 'close')
  })

  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`
  return {
    url,
    port,
    sql: (text) => onServer(async (client) => (await client.query(text)).rows, url),
    restart: async () => void (await control('restart', '-l', join(folder, 'log'))),
    stop: async () => void (await control('stop')),
    start
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('There is no free port.')
  return address.port
}
