import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { OpenPorts } from '../../../src/cli/context.js'
import { run } from '../../../src/cli/run.js'
import { migrateDatabase, openAdapters } from '../../../src/composition.js'
import { type Environment, loadConfig, loadDatabaseConfig } from '../../../src/config/read-config.js'
import { testEnvironment } from '../service.js'

export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  /** The standard input. */
  readonly stdin?: string
  /** Whether standard input is a terminal. */
  readonly isTTY?: boolean
  readonly environment?: Environment
  /** An open database that every command uses; by default each command opens the database of its settings. */
  readonly opened?: OpenPorts
}

/** Runs `latchkey <words>` in this process. */
export async function commandLine(words: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const { stdin = '', isTTY = false, environment = {}, opened } = options
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() }
  const exitCode = await run(words, {
    terminal: { ...streams, stdin: Object.assign(new PassThrough().end(stdin), { isTTY }) },
    loadConfig: () => loadConfig({ ...testEnvironment, ...environment }),
    loadDatabaseConfig: () => loadDatabaseConfig({ ...testEnvironment, ...environment }),
    open: async (config) => opened ?? openAdapters(config, { printMail: false }),
    migrate: migrateDatabase,
    serve: async () => {}
  })
  streams.stdout.end()
  streams.stderr.end()
  const [stdout, stderr] = await Promise.all([text(streams.stdout), text(streams.stderr)])
  return { exitCode, stdout, stderr }
}
