import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { Environment } from '../../../src/config/read-config.js'
import { testDataFolder, testFolder, testSchema } from '../database.js'

/** Runs the service and its command line as processes, for tests of starts, signals and crashes. */

/** The compiled entry of the command line. */
export const main = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url))

const endWithParent = new URL('end-with-parent.js', import.meta.url).href

/** A start takes one or two seconds; on a machine that is busy with other tests it has taken twenty. */
const startSeconds = 90

/** The time limit for a test file that starts processes. */
export const processTestMilliseconds = 240_000

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface ServiceProcess {
  /** Where it listens, such as `http://127.0.0.1:41234`. */
  readonly url: string
  readonly pid: number
  readonly ended: Promise<Ended>
  /** What it has printed so far. */
  printed(): string
  /** Sends the signal and resolves when the process has ended. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<Ended>
}

export interface ProcessOptions {
  readonly cwd?: string
  /** The standard input of the process. */
  readonly input?: string
  /** Modules to load before the entry. */
  readonly imports?: readonly string[]
  /** The module to run; the command line by default. */
  readonly entry?: string
}

/** Settings that make a test fast, on a free port. */
export const quickSettings = { PORT: '0', BCRYPT_COST: '4', RATE_LIMIT_ENABLED: 'false' } as const

/** Settings for a new, empty database, removed when `t` ends. */
export async function freshDatabase(
  t: Pick<Test, 'teardown'>,
  kind: 'embedded' | 'server'
): Promise<Record<string, string>> {
  if (kind === 'embedded') return { ...quickSettings, DATA_DIR: await testDataFolder(t) }
  return { ...quickSettings, DATA_DIR: await testFolder(t), DATABASE_URL: await testSchema(t) }
}

/** Runs `latchkey serve` and resolves when it listens. Rejects with its output if it ends before. */
export async function startService(
  t: Pick<Test, 'teardown'>,
  settings: Environment,
  options?: ProcessOptions
): Promise<ServiceProcess> {
  const { child, ended, printed } = launch(['serve'], settings, {
    ...options,
    imports: [endWithParent, ...(options?.imports ?? [])]
  })
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const url = await new Promise<string>((resolve, reject) => {
    const tooLate = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`The service did not listen within ${startSeconds} s:\n${printed()}`))
    }, startSeconds * 1000)
    child.stdout.on('data', () => {
      const address = / listens at (http:[^\s"]+)/.exec(printed())?.[1]
      if (address === undefined) return
      clearTimeout(tooLate)
      resolve(address)
    })
    ended.then(({ code }) => {
      clearTimeout(tooLate)
      reject(new Error(`The service ended with code ${code} before it listened:\n${printed()}`))
    }, reject)
  })
  return {
    url,
    pid: child.pid ?? Number.NaN,
    ended,
    printed,
    stop(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    }
  }
}

/** Runs the command line to its end. A process that does not end in time is killed. */
export async function latchkey(
  words: readonly string[],
  settings: Environment,
  options?: ProcessOptions
): Promise<Ended> {
  const { child, ended } = launch(words, settings, options)
  child.stdin.end(options?.input)
  const tooLate = setTimeout(() => child.kill('SIGKILL'), startSeconds * 1000)
  return ended.finally(() => clearTimeout(tooLate))
}

/** The V8 flags of this process, for processes of tests: with them WebAssembly compiles quickly. */
export const v8Flags: readonly string[] = process.execArgv.filter((flag) => flag === '--liftoff-only')

function launch(
  words: readonly string[],
  settings: Environment,
  { cwd, imports = [], entry = main }: ProcessOptions = {}
) {
  // Pass only what a process needs, so that no setting of the test's environment gets in by accident.
  const env = { PATH: process.env.PATH, NODE_V8_COVERAGE: process.env.NODE_V8_COVERAGE, ...settings }
  const preloads = imports.flatMap((module) => ['--import', module])
  const child = spawn(process.execPath, [...v8Flags, ...preloads, entry, ...words], {
    cwd,
    env
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  // A process that ends at once closes its standard input.
  child.stdin.on('error', () => undefined)
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  return { child, ended, printed: () => stdout + stderr }
}
