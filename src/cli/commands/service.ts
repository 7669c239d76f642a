import { defineCommand } from '../command.js'
import { jsonOption, printDone, printError } from '../output.js'

export const serve = defineCommand({
  name: 'serve',
  summary: 'Run the service.',
  details: 'Settings come from environment variables; docs/configuration.md lists them. SIGTERM drains and stops.',
  run: (_input, context) => context.serve(context.loadConfig())
})

export const migrate = defineCommand({
  name: 'migrate',
  summary: "Bring the database's schema up to date.",
  details:
    '`latchkey serve` does this itself, unless MIGRATE=off. It needs DATABASE_URL or DATA_DIR, and no secret: no key is made.',
  options: {
    'mark-applied': {
      type: 'string',
      multiple: true,
      summary: 'Record this migration as applied without running it, for engines that lack triggers.'
    },
    ...jsonOption
  },
  async run({ options }, context) {
    const { terminal } = context
    await context.migrate(context.loadDatabaseConfig(), {
      markApplied: options['mark-applied'] ?? [],
      report: (line) => printError(terminal, line)
    })
    printDone(terminal, options, 'The database is up to date.', { status: 'ok' })
  }
})
