import type { SchemaOptions } from '../composition.js'
import type { Config, DatabaseConfig } from '../config/read-config.js'
import type { Ports } from '../ports/index.js'

/** The streams of the process. `stdin.isTTY` is true for a person and false for a pipe. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
}

/** The ports over an open database. The caller must call `close`. */
export interface OpenPorts {
  readonly ports: Ports
  close(): Promise<void>
}

/** How a command reaches the outside; tests replace it. */
export interface Context {
  readonly terminal: Terminal
  /** Reads the settings. Throws `ConfigError` if they are not valid. */
  loadConfig(): Config
  /** Reads only the settings that name the database. Throws `ConfigError` if they are not valid. */
  loadDatabaseConfig(): DatabaseConfig
  /** Opens and migrates the database. Throws if it cannot be reached, or if another process has locked the data folder. */
  open(config: Config): Promise<OpenPorts>
  /** Migrates the database, and makes no key and no secret. Throws as `open` does. */
  migrate(config: DatabaseConfig, options: SchemaOptions): Promise<void>
  /** Serves until the process receives a signal. */
  serve(config: Config): Promise<void>
}

/** Opens the database of the settings, runs `use`, and always closes the database. */
export async function withPorts(context: Context, use: (ports: Ports) => Promise<void>): Promise<void> {
  const { ports, close } = await context.open(context.loadConfig())
  try {
    await use(ports)
  } finally {
    await close()
  }
}
