#!/usr/bin/env node
import process from 'node:process'
import { configFromProcess, databaseConfigFromProcess } from '../config/read-config.js'
import { run } from './run.js'

/** Only commands that need the service load its modules, so `--help` answers at once. */
process.exitCode = await run(process.argv.slice(2), {
  terminal: process,
  loadConfig: () => configFromProcess((warning) => process.stderr.write(`Warning: ${warning}\n`)),
  loadDatabaseConfig: databaseConfigFromProcess,
  open: async (config) => (await import('../composition.js')).openAdapters(config),
  migrate: async (config, options) => (await import('../composition.js')).migrateDatabase(config, options),
  serve: async (config) => (await import('../server.js')).serve(config, (text) => process.stdout.write(text))
})
