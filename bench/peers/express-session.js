// express-session with connect-redis, as their READMEs put them together.
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import bcrypt from 'bcrypt'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import { createClient } from 'redis'
import { serve } from './serve.js'

const client = createClient({ url: process.argv[2] })
await client.connect()
const prefix = `bench:${process.pid}:`
const passwordHash = await bcrypt.hash('correct horse battery staple', 10)

const app = express()
app.use(express.json())
app.use(
  session({
    store: new RedisStore({ client, prefix, ttl: 600 }),
    resave: false,
    saveUninitialized: false,
    secret: randomBytes(32).toString('hex')
  })
)
/** A session without a password, for the start of the other requests. */
app.post('/start', (request, response) => {
  request.session.userId = randomBytes(16).toString('hex')
  response.json({})
})
app.post('/login', async (request, response) => {
  if (!(await bcrypt.compare(request.body.password, passwordHash))) return response.status(401).end()
  request.session.userId = request.body.email
  response.json({})
})
app.get('/guarded', (request, response) => {
  if (request.session.userId === undefined) return response.status(401).end()
  response.json({ hello: 'world' })
})
app.post('/logout', (request, response) => request.session.destroy(() => response.status(204).end()))
serve(createServer(app))
