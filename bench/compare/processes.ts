import { type ChildProcess, fork } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** A server under measurement, in a process of its own. */
export interface Server {
  readonly pid: number
  readonly port: number
  stop(): Promise<void>
}

/** Starts a module that sends its port to its parent once it listens, and ends when its parent disconnects. */
export function startServer(module: URL, args: readonly string[]): Promise<Server> {
  const child: ChildProcess = fork(module, [...args], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' }
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${module.pathname} ended with ${code}`)))
    child.once('message', (port) =>
      resolve({
        pid: child.pid ?? 0,
        port: Number(port),
        async stop() {
          if (child.connected) child.disconnect()
          await ended
        }
      })
    )
  })
}

/** CPU times in milliseconds by process id. */
export type CpuTimes = ReadonlyMap<number, number>

/** The CPU time that the threads of each process have used so far (Linux). A process that has ended is left out. */
export function cpuTimes(pids: readonly number[]): CpuTimes {
  return new Map(pids.flatMap((pid) => tryReading(() => [[pid, cpuMilliseconds(pid)] as const]) ?? []))
}

/** How much CPU time the processes used from `before` to `after`. NaN without processes. */
export function cpuBetween(before: CpuTimes, after: CpuTimes): number {
  if (after.size === 0) return Number.NaN
  return [...after].reduce((sum, [pid, time]) => sum + time - (before.get(pid) ?? 0), 0)
}

/** The processes of a PostgreSQL server; none if it does not run on this machine. `backend` is one of them. */
export function postgresProcesses(backend: number): readonly number[] {
  const server = parentOf(backend)
  if (server === undefined || tryReading(() => read(`/proc/${server}/comm`).trim()) !== 'postgres') return []
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return [server, ...all.map(Number).filter((pid) => parentOf(pid) === server)]
}

export function cpuMilliseconds(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  const nanoseconds = threads.map((thread) => Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]))
  return nanoseconds.reduce((sum, time) => sum + time, 0) / 1e6
}

function parentOf(pid: number): number | undefined {
  return tryReading(() => parentIn(read(`/proc/${pid}/stat`)))
}

/** The parent's process id, the fourth field of /proc/PID/stat. The name before it can have spaces and parentheses. */
export function parentIn(stat: string): number {
  return Number(/.*\) \S (\d+)/s.exec(stat)?.[1])
}

/** Undefined if the process has ended, or the system has no /proc. */
function tryReading<T>(from: () => T): T | undefined {
  try {
    return from()
  } catch {
    return undefined
  }
}

function read(path: string): string {
  return readFileSync(path, 'utf8')
}
