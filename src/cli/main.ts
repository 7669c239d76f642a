#!/usr/bin/env node
import process from 'node:process'
import { type Config, configFromProcess, databaseConfigFromProcess } from '../config/read-config.js'
import { printError } from './output.js'
import { run } from './run.js'

// As the first process of a container, a process that does not handle a signal ignores it. Nothing has to be closed: an
// unfinished migration is rolled back, and a service that does not listen yet has no requests.
const endNow = (_signal: NodeJS.Signals, number: number) => process.exit(128 + number)
process.on('SIGTERM', endNow).on('SIGINT', endNow)

async function serve(config: Config): Promise<void> {
  await (await import('../server.js')).serve(config, (text) => process.stdout.write(text))
  // It handles signals itself from here on.
  process.off('SIGTERM', endNow).off('SIGINT', endNow)
}

/** Only commands that need the service load its modules, so `--help` answers at once. */
process.exitCode = await run(process.argv.slice(2), {
  terminal: process,
  loadConfig: () => configFromProcess((warning) => printError(process, `Warning: ${warning}`)),
  loadDatabaseConfig: databaseConfigFromProcess,
  // A command has no log into which a mail could be printed. Without a mail server, a command prints its link itself.
  open: async (config) => (await import('../composition.js')).openAdapters(config, { printMail: false }),
  migrate: async (config, options) => (await import('../composition.js')).migrateDatabase(config, options),
  serve
})
