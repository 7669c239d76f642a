import type { Client } from './clients.js'
import type { BenchDatabase } from './database.js'
import { HttpConnection } from './http-connection.js'
import { cpuBetween, cpuTimes, postgresProcesses, type Server } from './processes.js'

export interface Contender {
  readonly name: string
  /** One, or several instances that share the connections evenly. */
  readonly servers: readonly Server[]
  /** One for each connection. In the next round they go on where they stopped. */
  readonly clients: readonly Client[]
  /** Runs before each round and is not measured. */
  readonly prepare?: () => Promise<void>
}

/** Only requests that were served count. */
export interface Sample {
  readonly perSecond: number
  readonly p99Milliseconds: number
  /** CPU time for one request, in microseconds. */
  readonly nodeMicroseconds: number
  readonly postgresMicroseconds: number
  readonly walBytes: number
}

const warmUpSeconds = 0.3

/** Runs the first `connections` clients, each on a connection of its own, for `seconds` after a warm-up. */
export async function measure(
  contender: Contender,
  { database, connections, seconds }: { database: BenchDatabase; connections: number; seconds: number }
): Promise<Sample> {
  await contender.prepare?.()
  const { servers } = contender
  const clients = contender.clients.slice(0, connections)
  const opened = await Promise.all(clients.map((_, i) => HttpConnection.open(servers[i % servers.length]?.port ?? 0)))
  await repeat(clients, opened, warmUpSeconds)
  const before = await readings(servers, database)
  const startedAt = performance.now()
  const times = await repeat(clients, opened, seconds)
  // Slow requests end after `seconds`.
  const elapsedSeconds = (performance.now() - startedAt) / 1000
  const after = await readings(servers, database)
  for (const connection of opened) connection.close()

  const count = times.length
  times.sort((a, b) => a - b)
  return {
    perSecond: count / elapsedSeconds,
    p99Milliseconds: times[Math.floor(count * 0.99)] ?? Number.NaN,
    nodeMicroseconds: (cpuBetween(before.node, after.node) / count) * 1000,
    postgresMicroseconds: (cpuBetween(before.postgres, after.postgres) / count) * 1000,
    walBytes: (after.wal - before.wal) / count
  }
}

/** The duration of each request that was served, in milliseconds. */
async function repeat(
  clients: readonly Client[],
  connections: readonly HttpConnection[],
  seconds: number
): Promise<number[]> {
  const until = performance.now() + seconds * 1000
  const times: number[] = []
  await Promise.all(
    clients.map(async (client, index) => {
      const connection = connections[index]
      if (connection === undefined) return
      for (let from = performance.now(); from < until; ) {
        const served = await client(connection)
        const now = performance.now()
        if (served) times.push(now - from)
        from = now
      }
    })
  )
  return times
}

async function readings(servers: readonly Server[], database: BenchDatabase) {
  const [row] = await database.query<{ bytes: string; backend: number }>(
    `SELECT (pg_current_wal_lsn() - '0/0')::text AS bytes, pg_backend_pid() AS backend`
  )
  return {
    node: cpuTimes(servers.map(({ pid }) => pid)),
    postgres: cpuTimes(postgresProcesses(row?.backend ?? 0)),
    wal: Number(row?.bytes)
  }
}
