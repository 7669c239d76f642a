import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Bench } from './bench.js'
import { cpuMilliseconds, type Server } from './processes.js'
import { median, rounded, startTable } from './table.js'

const idleMilliseconds = 1000

interface StartSample {
  readonly milliseconds: number
  readonly cpu: number
  readonly mebibytes: number
}

/** Starts each server `rounds` times, in turns, and prints how long a start takes and how much memory it keeps. */
export async function printStartUp(bench: Bench, rounds: number): Promise<void> {
  const dataDir = await bench.folder()
  const embedded = () => bench.latchkey({ databaseUrl: undefined, dataDir })
  // Creates the database: measured are starts on one that exists.
  await (await embedded()).stop()
  const starts: Record<string, () => Promise<Server>> = {
    'bare Fastify': () => bench.start('bare'),
    'bare Fastify, connected to PostgreSQL': () => bench.start('bare', [bench.database.serverUrl]),
    'Latchkey on PostgreSQL': () => bench.latchkey(),
    'Latchkey, embedded': embedded
  }
  const samples = Object.entries(starts).map(([name, start]) => ({ name, start, taken: [] as StartSample[] }))
  for (let round = 0; round < rounds; round++) {
    for (const { start, taken } of samples) taken.push(await startOnce(start))
  }
  const print = startTable([
    ['start', 38],
    ['ms', -6],
    ['CPU ms', -6],
    ['RSS MiB', -7]
  ])
  for (const { name, taken } of samples) {
    const of = (figure: keyof StartSample) => rounded(median(taken.map((sample) => sample[figure])))
    print([name, of('milliseconds'), of('cpu'), of('mebibytes')])
  }
  await bench.stopServers()
}

async function startOnce(start: () => Promise<Server>): Promise<StartSample> {
  const from = performance.now()
  const server = await start()
  const milliseconds = performance.now() - from
  const cpu = cpuMilliseconds(server.pid)
  await delay(idleMilliseconds)
  const mebibytes = residentMebibytes(server.pid)
  await server.stop()
  return { milliseconds, cpu, mebibytes }
}

/** Resident memory (Linux). */
function residentMebibytes(pid: number): number {
  return mebibytesIn(readFileSync(`/proc/${pid}/status`, 'utf8'))
}

/** `VmRSS` of /proc/PID/status. */
export function mebibytesIn(status: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024
}
