/** The service, whose purge does not rest, and whose lease on it ends two seconds after its last batch. */
import { buildApp } from '../../../src/app.js'
import { loadConfig } from '../../../src/config/read-config.js'

const config = loadConfig(process.env)
const purgeTiming = { pauseSeconds: 0.05, quickPauseSeconds: 0.05, restSeconds: 0.2, leaseSeconds: 2 }
const app = await buildApp(config, { purgeTiming })
console.log(`Latchkey listens at ${await app.listen({ host: config.host, port: config.port })}`)
