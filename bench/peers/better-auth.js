// better-auth on PostgreSQL with its defaults, but for rate limits, logs, and `updateAge`: 0 renews the session with each
// request that asks for it, which is its refresh.
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import pg from 'pg'
import { inSchema, serve } from './serve.js'

const [url, schema, updateAge] = process.argv.slice(2)
const options = {
  baseURL: 'http://bench',
  secret: randomBytes(32).toString('hex'),
  database: new pg.Pool({ connectionString: url, max: 10, options: inSchema(schema) }),
  emailAndPassword: { enabled: true },
  session: { updateAge: Number(updateAge) },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { disabled: true }
}
const { runMigrations } = await getMigrations(options)
await runMigrations()
serve(createServer(toNodeHandler(betterAuth(options))))
