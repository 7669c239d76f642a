import Fastify from 'fastify'
import verifier from '../../../src/verifier/index.js'
import { serve } from './serve.js'

/** Another service that guards its route with the verifier. The arguments are Latchkey's address and the credential. */
const [url, id, secret] = process.argv.slice(2)
const app = Fastify()
await app.register(verifier, {
  issuer: 'http://bench',
  audience: 'http://bench',
  jwksUrl: `${url}/.well-known/jwks.json`,
  feed: { url: `${url}/revocations`, credential: { id, secret } },
  stale: 'deny'
})
app.get('/guarded', { preHandler: app.latchkey.authenticate }, async () => ({ hello: 'world' }))
await serve(app)
