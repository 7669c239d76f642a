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
  const child: ChildProcess = fork(module, [...args], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${module.pathname} ended with ${code}`)))
    child.once('message', (port) =>
      resolve({
        pid: child.pid ?? 0,
        port: Number(port),
        async stop() {
          child.kill()
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
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * millisecondsPerTick
}

/** The CPU time of all PostgreSQL processes on this machine, and of those that have ended and were reaped. */
export function postgresMilliseconds(): number {
  let total = 0
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'postgres') total += cpuMilliseconds(Number(pid))
    } catch {
      // It has ended meanwhile.
    }
  }
  return total
}
