/**
 * The service, which kills itself at `FAILPOINT` of its first refresh or, with `batches`, makes refreshes share statements.
 * All other settings are the service's own.
 */
import { openEmbeddedDatabase } from '../../../src/adapters/embedded/embedded-database.js'
import { openServerDatabase } from '../../../src/adapters/prisma/server/server-database.js'
import { buildApp } from '../../../src/app.js'
import { loadConfig } from '../../../src/config/read-config.js'
import { killpoints, withForcedBatches, withKill } from '../faults/failpoint.js'

const point = (['batches', ...killpoints] as const).find((name) => name === process.env.FAILPOINT)
if (point === undefined) throw new Error('FAILPOINT must be one of the names in failpoint.ts.')
const config = loadConfig({ ...process.env, FAILPOINT: undefined })
const database =
  config.databaseUrl === undefined
    ? await openEmbeddedDatabase({ dataDir: config.dataDir })
    : await openServerDatabase({ url: config.databaseUrl })
const app = await buildApp(config, {
  database: point === 'batches' ? withForcedBatches(database) : withKill(database, point)
})
await app.listen({
  host: config.host,
  port: config.port,
  listenTextResolver: (address) => `Latchkey listens at ${address}`
})
