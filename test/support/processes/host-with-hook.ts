/** A host with a hook. It prints the user of each call, and then waits for as long as `CALL_MILLISECONDS`. */
import { setTimeout as delay } from 'node:timers/promises'
import Fastify from 'fastify'
import latchkey from '../../../src/plugin.js'

const { DATABASE_URL: databaseUrl, DATA_DIR: dataDir, CALL_MILLISECONDS = '0' } = process.env

const app = Fastify({ return503OnClosing: false })
await app.register(latchkey, {
  issuer: 'http://localhost:3000',
  databaseUrl,
  dataDir,
  bcryptCost: 4,
  cookieSecure: false,
  rateLimitEnabled: false,
  async onUserCreated({ userId }) {
    console.log(`begins ${userId}`)
    await delay(Number(CALL_MILLISECONDS))
    console.log(`ends ${userId}`)
  }
})
console.log(`The host listens at ${await app.listen({ host: '127.0.0.1', port: 0 })}`)
