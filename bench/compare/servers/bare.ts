import Fastify from 'fastify'
import pg from 'pg'
import { serve } from './serve.js'

/** A bare Fastify. With the address of a PostgreSQL server, it connects before it listens. */
const [connectionString] = process.argv.slice(2)
if (connectionString !== undefined) await new pg.Pool({ connectionString }).query('SELECT 1')
const app = Fastify()
app.get('/open', async () => ({ hello: 'world' }))
await serve(app)
