import { HttpConnection } from './http-connection.js'
import { cpuMilliseconds, postgresMilliseconds, type Server } from './processes.js'
import { withClient } from './sessions.js'

/** Sends the requests of one connection, one after the other. Throws if an answer is not the expected one. */
export type Client = (connection: HttpConnection) => Promise<void>

export interface Sample {
  readonly perSecond: number
  readonly p99Milliseconds: number
  /** CPU time for one request, in microseconds. */
  readonly nodeMicroseconds: number
  readonly postgresMicroseconds: number
  readonly walBytes: number
}

/** Runs each client on a connection of its own for `seconds`, after `warmUpSeconds` that do not count. */
export async function measure(
  { pid, port }: Server,
  clients: readonly Client[],
  { databaseUrl, seconds, warmUpSeconds }: { databaseUrl: string; seconds: number; warmUpSeconds: number }
): Promise<Sample> {
  const connections = await Promise.all(clients.map(() => HttpConnection.open(port)))
  await repeat(clients, connections, warmUpSeconds)
  const before = await readings(pid, databaseUrl)
  const times = await repeat(clients, connections, seconds)
  const after = await readings(pid, databaseUrl)
  for (const connection of connections) connection.close()

  const count = times.length
  const perRequest = (reading: keyof typeof before) => (after[reading] - before[reading]) / count
  times.sort((a, b) => a - b)
  return {
    perSecond: count / seconds,
    p99Milliseconds: times[Math.floor(count * 0.99)] ?? Number.NaN,
    nodeMicroseconds: perRequest('node') * 1000,
    postgresMicroseconds: perRequest('postgres') * 1000,
    walBytes: perRequest('wal')
  }
}

/** The duration of each request, in milliseconds. */
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
        await client(connection)
        const now = performance.now()
        times.push(now - from)
        from = now
      }
    })
  )
  return times
}

async function readings(pid: number, databaseUrl: string) {
  const wal = await withClient(databaseUrl, async (client) => {
    const { rows } = await client.query(`SELECT (pg_current_wal_lsn() - '0/0')::text AS bytes`)
    return Number(rows[0].bytes)
  })
  return { node: cpuMilliseconds(pid), postgres: postgresMilliseconds(), wal }
}
