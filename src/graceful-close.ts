import type { Server } from 'node:http'
import { Server as TcpServer } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'

/** Docker kills ten seconds after its signal, Kubernetes after thirty: be done before either. */
const stopWithinMilliseconds = 8000

/** Within this, every client that is busy has had an answer that ends its connection. */
export const drainMilliseconds = 1000

/** Where connections never stop coming, no more are waited for. */
const mostAccepted = 1000

/** Closes `app` when a signal or an uncaught error comes: accepts nothing new, finishes running requests, closes the adapters. */
export function closeOnSignal(app: FastifyInstance): void {
  closeWithGrace({ delay: stopWithinMilliseconds, logger: app.log }, async ({ signal, err }) => {
    if (err) app.log.fatal({ err }, 'stopping after an error that nothing caught')
    else app.log.info({ signal }, 'stopping: finishing what is under way')
    await acceptPendingConnections(app.server)
    await app.close()
  })
}

/**
 * Accepts who is connected by now: Node accepts one in a turn of the event loop, and whoever still waits
 * when the server closes is reset. Ends after the first turn that had nobody to accept.
 */
async function acceptPendingConnections(server: Server): Promise<void> {
  let accepted = 0
  const count = () => {
    accepted += 1
  }
  server.on('connection', count)
  // The signal came within a turn, and the rest of that is no whole one.
  await nextTurn()
  for (let before = -1; before < accepted && accepted < mostAccepted; ) {
    before = accepted
    await nextTurn()
  }
  server.off('connection', count)
}

/** Keeps idle connections open for `milliseconds` while `app` closes. */
export function drainBeforeClose(app: FastifyInstance, milliseconds: number): void {
  app.addHook('preClose', async () => drain(app.server, milliseconds))
}

/**
 * Closes without a reset. Nothing new is accepted from here on, before any answer has told a client to
 * come on another connection: one that waited to be accepted would be reset. And Node ends idle
 * connections as soon as a server closes, in which moment a client may send on one: kept a while, each
 * gets one more answer, with `Connection: close`.
 */
function drain(server: Server, milliseconds: number): void {
  const closeIdle = server.closeIdleConnections.bind(server)
  // In Node's check phase: what has arrived by then has been read, and its connection is not idle.
  server.closeIdleConnections = () => void setTimeout(() => setImmediate(closeIdle), milliseconds).unref()
  if (!server.listening) return
  const close = server.close.bind(server)
  TcpServer.prototype.close.call(server)
  // Fastify closes it in its turn, and is not to hear that it no longer listens.
  server.close = (done) => close(() => done?.())
}
