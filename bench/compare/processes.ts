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
          child.disconnect()
          await ended
        }
      })
    )
  })
}

/** In Linux the unit of the times in /proc is 10 ms. */
const millisecondsPerTick = 10

/** The CPU time that a process has used so far, in milliseconds. */
export function cpuMilliseconds(pid: number): number {
  const { own } = statOf(pid)
  return own
}

/**
 * The CPU time of a PostgreSQL server so far, in milliseconds: of all its processes, also of those that have ended. NaN if
 * it does not run on this machine. `backend` is one of its processes.
 */
export function postgresMilliseconds(backend: number): number {
  try {
    const { parent } = statOf(backend)
    const { own, reaped, name } = statOf(parent)
    if (name !== 'postgres') return Number.NaN
    const children = readdirSync('/proc').flatMap((pid) => (/^\d+$/.test(pid) ? childTime(Number(pid), parent) : []))
    return children.reduce((sum, time) => sum + time, own + reaped)
  } catch {
    return Number.NaN
  }
}

function childTime(pid: number, parent: number): readonly number[] {
  try {
    const child = statOf(pid)
    return child.parent === parent ? [child.own] : []
  } catch {
    // It has ended meanwhile.
    return []
  }
}

/** Fields of /proc/PID/stat (proc_pid_stat(5)); times are in milliseconds. */
function statOf(pid: number) {
  const [, name, rest = ''] = /^\d+ \((.*)\) (.*)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
  const fields = rest.split(' ').map(Number)
  const time = (first: number) => ((fields[first] ?? 0) + (fields[first + 1] ?? 0)) * millisecondsPerTick
  return { name, parent: fields[1] ?? 0, own: time(11), reaped: time(13) }
}
