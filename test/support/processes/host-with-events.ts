/** A host with Latchkey at its root and a stream of events, `GET /events`, which ends with its session. */
import { PassThrough } from 'node:stream'
import Fastify from 'fastify'
import latchkey from '../../../src/plugin.js'
import { instanceSettings } from '../faults/fleet-settings.js'

const { DATABASE_URL: databaseUrl, DATA_DIR: dataDir, REDIS_URL: redisUrl } = process.env

const app = Fastify()
await app.register(latchkey, {
  issuer: instanceSettings.ISSUER,
  rootSecret: instanceSettings.ROOT_SECRET,
  serviceCredentials: instanceSettings.SERVICE_CREDENTIALS,
  databaseUrl,
  dataDir,
  redisUrl,
  bcryptCost: 4,
  rateLimitEnabled: false
})
app.get('/events', { preHandler: app.latchkey.authenticate }, async (request, reply) => {
  const events = new PassThrough()
  const { stop } = app.latchkey.whileSignedIn(request, { onEnd: (reason) => events.end(`data: ${reason}\n\n`) })
  events.on('close', stop)
  events.write(': open\n\n')
  return reply.type('text/event-stream').send(events)
})
console.log(`The host listens at ${await app.listen({ host: '127.0.0.1', port: 0 })}`)
