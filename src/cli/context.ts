import type { Config } from '../config/read-config.js'
import type { Actor } from '../ports/events.js'
import type { Ports } from '../ports/index.js'

/** The streams of the process. `stdin.isTTY` tells a person from a pipe. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
}

/** The database and what stands on it, until `close`. */
export interface OpenPorts {
  readonly ports: Ports
  close(): Promise<void>
}

/** What a command reaches the world by. */
export interface Context {
  readonly terminal: Terminal
  /** Throws `ConfigError`. */
  loadConfig(): Config
  /** Opens and migrates the database. Throws where it cannot be reached, or where another process holds the folder. */
  open(config: Config): Promise<OpenPorts>
  /** Serves until a signal comes. */
  serve(config: Config): Promise<void>
}

/** How the event log names what was done here. */
export const commandLine: Actor = { userAgent: 'latchkey command line' }

/** Runs `use` on the database that the settings name, and closes it whatever happens. */
export async function withPorts(context: Context, use: (ports: Ports) => Promise<void>): Promise<void> {
  const { ports, close } = await context.open(context.loadConfig())
  try {
    await use(ports)
  } finally {
    await close()
  }
}
