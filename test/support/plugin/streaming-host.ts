import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import type { Test } from 'tap'
import type { Database } from '../../../src/adapters/prisma/database.js'
import type { WatchEndReason } from '../../../src/core/signed-in-watch.js'
import { httpPlugin } from '../../../src/http/plugin.js'
import { newHost, openPluginOptions } from '../host.js'
import { newPerson } from '../http/people.js'
import { claimsOf, signedAgain } from '../http/signed-again.js'

/**
 * A host that listens, with a stream of events that ends with its session: `GET /events`, and `GET /unwatched`, which
 * does not end. `ends` has what each `onEnd` got.
 */
export async function openStreamingHost(t: Pick<Test, 'teardown'>, database: Database) {
  const { ports, settings } = await openPluginOptions(t, database, { rateLimitEnabled: false })
  const app = newHost(t, { forceCloseConnections: true })
  await app.register(httpPlugin, { ports, settings })
  const { authenticate, whileSignedIn } = app.latchkey
  const ends: WatchEndReason[][] = []

  app.get('/events', { preHandler: authenticate }, async (request, reply) => {
    const events = new PassThrough()
    const reasons: WatchEndReason[] = []
    ends.push(reasons)
    const { stop } = whileSignedIn(request, {
      onEnd(reason) {
        reasons.push(reason)
        events.end()
      }
    })
    events.on('close', stop)
    events.write(': open\n\n')
    return reply.type('text/event-stream').send(events)
  })
  app.get('/unwatched', { preHandler: authenticate }, async (_request, reply) => {
    const events = new PassThrough()
    events.write(': open\n\n')
    return reply.type('text/event-stream').send(events)
  })
  app.get('/guarded', { preHandler: authenticate }, async () => 'served')
  await app.listen({ port: 0 })

  const { client } = await newPerson(app, 'body')
  return {
    app,
    ports,
    ends,
    port: (app.server.address() as AddressInfo).port,
    /** Access tokens of as many sessions. They are signed here, because as many logins would take minutes. */
    tokens: (count: number, changed: { readonly iat?: number } = {}) =>
      Promise.all(
        Array.from({ length: count }, () => signedAgain(ports, client.accessToken, { ...changed, sid: randomUUID() }))
      ),
    /** This second, as in the tokens. */
    iat: claimsOf(client.accessToken).iat,
    openConnections: async () =>
      Number(/^latchkey_open_connections (\d+)$/m.exec(await ports.metrics.text())?.[1] ?? Number.NaN)
  }
}
