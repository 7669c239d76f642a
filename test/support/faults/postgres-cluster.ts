import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { onServer } from '../database.js'

const run = promisify(execFile)

/** The folder of the server's programs; empty if they are not installed. */
const programs = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' }).stdout?.trim() ?? ''
export const accountId = (flag: '-u' | '-g') => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout)

/** Why this process cannot run a PostgreSQL server; false if it can. PostgreSQL refuses to run as root, so root runs it as postgres. */
export const cannotRunPostgres =
  (programs === '' && 'needs pg_config and initdb') || (process.getuid?.() !== 0 && 'needs root, to become postgres')

/** A PostgreSQL server for one test, which the test may stop, reconfigure and restart. */
export interface PostgresCluster {
  readonly url: string
  readonly port: number
  sql(text: string): Promise<unknown[]>
  /** Breaks every connection, as `stop` does. */
  restart(): Promise<void>
  /** Stops the server; with `immediate`, as a crash would. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>
  start(): Promise<void>
}

type ServerSettings = Readonly<Record<string, string>>
type Program = (name: string, ...args: string[]) => Promise<unknown>

/** Starts a server with `settings`. It is deleted when `t` ends, and stops also if the test is killed. */
export function startPostgres(t: Test, settings: ServerSettings = {}): Promise<PostgresCluster> {
  return servePostgres(t, settings, async (data, program) => {
    await program('initdb', '-D', data, '-A', 'trust', '-U', 'postgres', '--no-sync')
  })
}

/** A server on a data folder that `make` fills; `program` runs one of the server's programs as postgres. */
export async function servePostgres(
  t: Test,
  settings: ServerSettings,
  make: (data: string, program: Program) => Promise<void>
): Promise<PostgresCluster> {
  // The path must be short enough for a socket, and the postgres account must be able to reach it.
  const folder = await mkdtemp('/tmp/lkpg-')
  await chown(folder, accountId('-u'), accountId('-g'))
  await chmod(folder, 0o700)
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const data = join(folder, 'data')
  const port = await freePort()
  const program: Program = (name, ...args) =>
    run('runuser', ['-u', 'postgres', '--', join(programs, name), ...args], { cwd: folder })
  await make(data, program)

  // For the SQL of tests: the schema that the service makes.
  const all = { port, unix_socket_directories: folder, fsync: 'off', search_path: 'latchkey,public', ...settings }
  const options = Object.entries(all).map(([name, value]) => `-c ${name}=${value}`)
  const control = (action: string, ...more: string[]) => program('pg_ctl', '-D', data, '-w', ...more, action)
  const start = async () => void (await control('start', '-l', join(folder, 'log'), '-o', options.join(' ')))
  await start()
  // The shell reads until this process ends, however it ends, and then stops the server.
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
    restart: async () => void (await control('restart', '-m', 'fast', '-l', join(folder, 'log'))),
    stop: async (mode = 'fast') => void (await control('stop', '-m', mode)),
    start
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('There is no free port.')
  return address.port
}
