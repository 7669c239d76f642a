import { setTimeout as delay } from 'node:timers/promises'
import type { Bench } from './bench.js'
import { bearer, type Client, getting, refreshing, signUp } from './clients.js'
import { limitToken } from './database.js'
import { HttpConnection } from './http-connection.js'
import type { Server } from './processes.js'
import { median, rounded, startTable } from './table.js'

const floodConnections = 64
/** How many requests of each kind a second, each from a client of its own. */
const perSecond = 20
const kinds = ['guarded route', 'POST /refresh'] as const

/**
 * Prints the p99 of other requests, which come at a fixed rate, while 64 connections send wrong passwords without a pause,
 * beside the p99 without them. A latency counts from the moment when its request was due.
 */
export async function printLoginFlood(bench: Bench, { rounds, seconds }: { rounds: number; seconds: number }) {
  const latchkey = await bench.latchkey({ bcryptCost: 10, refreshGraceSeconds: 0 })
  const people = await signUp(latchkey, perSecond, 'body')
  const limit = await bench.limit()
  const sessions = await bench.database.seedSessions(perSecond)
  const sites: readonly Site[] = [
    {
      name: 'limit',
      server: limit,
      clients: {
        'guarded route': sessions.map(() => getting('/open')),
        'POST /refresh': sessions.map((session) => refreshing(limitToken(session)))
      }
    },
    {
      name: 'Latchkey',
      server: latchkey,
      clients: {
        'guarded route': people.map(({ access }) => getting('/guarded', bearer(access))),
        'POST /refresh': people.map(({ refresh }) => refreshing(refresh))
      }
    }
  ]
  const print = startTable([
    ['during a flood of logins', 25],
    ['server', 10],
    ['idle p99 ms', -11],
    ['flooded p99 ms', -14],
    ['ratio (spread)', 20],
    ['flood answered/s', -16]
  ])
  for (const site of sites) {
    const taken: FloodSample[] = []
    for (let round = 0; round < rounds; round++) taken.push(await floodOnce(site, seconds))
    for (const kind of kinds) {
      const ratios = taken.map(({ idle, flooded }) => flooded[kind] / idle[kind])
      const of = (figure: (sample: FloodSample) => number) => rounded(median(taken.map(figure)), 1)
      print([
        kind,
        site.name,
        of(({ idle }) => idle[kind]),
        of(({ flooded }) => flooded[kind]),
        `${rounded(median(ratios), 2)} (${rounded(Math.min(...ratios), 2)}–${rounded(Math.max(...ratios), 2)})`,
        of(({ answered }) => answered)
      ])
    }
  }
  await bench.stopServers()
}

type Kind = (typeof kinds)[number]

interface Site {
  readonly name: string
  readonly server: Server
  readonly clients: Record<Kind, readonly Client[]>
}

interface FloodSample {
  readonly idle: Record<Kind, number>
  readonly flooded: Record<Kind, number>
  readonly answered: number
}

async function floodOnce(site: Site, seconds: number): Promise<FloodSample> {
  const idle = await pacedP99(site, seconds)
  const flood = await startFlood(site.server)
  // Until the queue of passwords is full.
  await delay(500)
  const flooded = await pacedP99(site, seconds)
  return { idle, flooded, answered: (await flood.stop()) / (seconds + 0.5) }
}

async function pacedP99({ server, clients }: Site, seconds: number): Promise<Record<Kind, number>> {
  const [guarded, refresh] = await Promise.all(kinds.map((kind) => pace(server, clients[kind], seconds)))
  return { 'guarded route': guarded ?? Number.NaN, 'POST /refresh': refresh ?? Number.NaN }
}

/** Each client sends one request a second, one after the other begins, and the p99 of all is returned. */
async function pace({ port }: Server, clients: readonly Client[], seconds: number): Promise<number> {
  const startedAt = performance.now()
  const times = await Promise.all(
    clients.map(async (client, index) => {
      const connection = await HttpConnection.open(port)
      const own: number[] = []
      for (let second = 0; second < seconds; second++) {
        const dueAt = startedAt + (second + (index + 1) / clients.length) * 1000
        await delay(Math.max(0, dueAt - performance.now()))
        await client(connection)
        own.push(performance.now() - dueAt)
      }
      connection.close()
      return own
    })
  )
  const sorted = times.flat().sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN
}

async function startFlood({ port }: Server) {
  const body = JSON.stringify({ email: 'nobody@example.test', password: 'a wrong password' })
  const connections = await Promise.all(Array.from({ length: floodConnections }, () => HttpConnection.open(port)))
  let answered = 0
  let flooding = true
  const loops = connections.map(async (connection) => {
    while (flooding) {
      await connection.send({ method: 'POST', path: '/login', body })
      answered += 1
    }
    connection.close()
  })
  return {
    /** Resolves to the number of responses. */
    async stop(): Promise<number> {
      const count = answered
      flooding = false
      await Promise.all(loops)
      return count
    }
  }
}
