import Fastify from 'fastify'
import latchkey, { type LatchkeyOptions } from '../../../src/plugin.js'
import { serve } from './serve.js'

/** Latchkey as a host uses it, with a route that needs a signed-in user. The argument has its options. */
const options: Partial<LatchkeyOptions> = JSON.parse(process.argv[2] ?? '{}')
const app = Fastify()
await app.register(latchkey, { issuer: 'http://bench', rateLimitEnabled: false, cookieSecure: false, ...options })
app.get('/guarded', { preHandler: app.latchkey.authenticate }, async () => ({ hello: 'world' }))
await serve(app)
