import { defineCommand } from '../command.js'
import { withPorts } from '../context.js'
import { jsonOption, printDone } from '../output.js'

export const serve = defineCommand({
  name: 'serve',
  summary: 'Run the service.',
  details: 'Settings come from environment variables; docs/configuration.md lists them. SIGTERM drains and stops.',
  run: (_input, context) => context.serve(context.loadConfig())
})

export const migrate = defineCommand({
  name: 'migrate',
  summary: "Bring the database's schema up to date, and create what the service needs there.",
  details: '`latchkey serve` does this itself; use this for deployments that migrate in a separate step.',
  options: jsonOption,
  run: ({ options }, context) =>
    withPorts(context, async (ports) => {
      await ports.readiness()
      printDone(context.terminal, options, 'The database is up to date.', { status: 'ok' })
    })
})
