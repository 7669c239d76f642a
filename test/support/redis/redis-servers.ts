import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { testFolder } from '../database.js'
import { until } from '../faults/crowd.js'
import { freePort } from '../faults/postgres-cluster.js'

/** Why this machine cannot run a Redis server or a Sentinel, which is the same program; false if it can. */
export const cannotRunRedis = spawnSync('redis-server', ['--version']).status !== 0 && 'needs redis-server'

export interface RedisServer {
  readonly port: number
  readonly url: string
  /** Runs a command; an error is thrown. */
  command(name: string, ...args: string[]): Promise<unknown>
  kill(): Promise<void>
}

/** Starts a Redis server with these lines of its configuration. It ends with `t`. */
export function startRedis(t: Pick<Test, 'teardown'>, lines: readonly string[] = []): Promise<RedisServer> {
  return start(t, '', ['save ""', 'appendonly no', 'repl-diskless-sync-delay 0', ...lines])
}

/** Starts a Sentinel that watches `primary` under the name `mymaster`, and needs `quorum` to replace it. */
export function startSentinel(t: Pick<Test, 'teardown'>, primary: RedisServer, quorum: number): Promise<RedisServer> {
  return start(t, '--sentinel', [
    `sentinel monitor mymaster 127.0.0.1 ${primary.port} ${quorum}`,
    'sentinel down-after-milliseconds mymaster 1000',
    'sentinel failover-timeout mymaster 5000'
  ])
}

async function start(
  t: Pick<Test, 'teardown'>,
  role: '' | '--sentinel',
  lines: readonly string[]
): Promise<RedisServer> {
  const folder = await testFolder(t)
  const port = await freePort()
  const file = join(folder, 'redis.conf')
  const all = [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, `logfile ${folder}/log`, 'daemonize no', ...lines]
  await writeFile(file, all.map((line) => `${line}\n`).join(''))
  // The shell reads until this process ends, however it ends, and then stops the server.
  const shell = spawn('sh', ['-c', `redis-server ${file} ${role} <&- & server=$!; cat; kill -9 $server; wait`], {
    stdio: ['pipe', 'ignore', 'ignore']
  })
  const closed = once(shell, 'close')
  const kill = async () => {
    shell.stdin.end()
    await closed
  }
  t.teardown(kill)
  const client = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 100, enableReadyCheck: false })
  client.on('error', () => undefined)
  t.teardown(() => client.disconnect())
  const command = (name: string, ...args: string[]) => client.call(name, ...args)
  await until(async () => {
    // A server that asks for a password answers too.
    const answer = await command('ping').catch((error) => String(error))
    return /PONG|NOAUTH/.test(String(answer))
  })
  return { port, url: `redis://127.0.0.1:${port}`, command, kill }
}
