/** The service, whose signing keys are published for `KEY_LEAD_SECONDS` before they sign. */
import { buildApp } from '../../../src/app.js'
import { loadConfig } from '../../../src/config/read-config.js'

const { KEY_LEAD_SECONDS, ...environment } = process.env
const config = loadConfig(environment)
const app = await buildApp(config, { keyTiming: { publishLeadSeconds: Number(KEY_LEAD_SECONDS) } })
console.log(`Latchkey listens at ${await app.listen({ host: config.host, port: config.port })}`)
