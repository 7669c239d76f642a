import type { Server } from 'node:http'
import { Server as TcpServer } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'

/** Docker kills a process 10 s after its signal, Kubernetes after 30 s: finish before both. */
const maxCloseMilliseconds = 8000

/** For `drainBeforeClose`: in this time every busy client gets a response that ends its connection. */
export const drainMilliseconds = 1000

/** Accept no more pending connections than this, so that a flood of them cannot delay closing. */
const maxPendingConnections = 1000

export interface Stopping {
  /** How long everything is served after SIGTERM, before the app closes. */
  readonly delaySeconds: number
  /** Called once, as soon as the process begins to stop: load balancers must learn it. */
  announce(): void
}

/**
 * On a signal or an uncaught error, closes `app`: no new connections, then running requests, then the adapters. SIGTERM
 * first waits for `delaySeconds`, or until the next signal. Other signals come from a person, who does not want to wait.
 */
export function closeOnSignal(app: FastifyInstance, { delaySeconds, announce }: Stopping): void {
  const install = (skip: 'SIGTERM'[]) =>
    closeWithGrace({ delay: maxCloseMilliseconds, logger: app.log, skip }, async ({ signal, err }) => {
      process.off('SIGTERM', waitFirst)
      clearTimeout(waiting)
      announce()
      if (err) app.log.fatal({ err }, 'stopping after an uncaught error')
      else app.log.info({ signal }, 'stopping: finishing the running requests')
      await acceptPendingConnections(app.server)
      await app.close()
    })
  let waiting: NodeJS.Timeout | undefined
  const waitFirst = () => {
    early.uninstall()
    const { close } = install([])
    announce()
    app.log.info({ delaySeconds }, 'stopping soon: /readyz answers 503, and all requests are served meanwhile')
    waiting = setTimeout(close, delaySeconds * 1000)
  }
  const early = install(delaySeconds === 0 ? [] : ['SIGTERM'])
  if (delaySeconds > 0) process.once('SIGTERM', waitFirst)
}

/** Accept all pending connections first: Node accepts one per turn of the event loop, and closing resets the rest. */
async function acceptPendingConnections(server: Server): Promise<void> {
  let accepted = 0
  const count = () => {
    accepted += 1
  }
  server.on('connection', count)
  // The signal arrives in the middle of a turn, so wait for a whole one.
  await nextTurn()
  for (let before = -1; before < accepted && accepted < maxPendingConnections; ) {
    before = accepted
    await nextTurn()
  }
  server.off('connection', count)
}

/** While `app` closes, keeps idle connections open for `milliseconds`, so that no client gets a reset. */
export function drainBeforeClose(app: FastifyInstance, milliseconds: number): void {
  app.addHook('preClose', async () => drain(app.server, milliseconds))
}

/**
 * Two steps prevent resets:
 * - Stop accepting at once, before any response says `Connection: close`. A client then reconnects, and its connection
 *   would be reset if it waited in this server's queue.
 * - Keep idle connections for a while. Node ends them as soon as a server closes, even if a client is just sending.
 *   Each gets one more response, with `Connection: close`.
 */
function drain(server: Server, milliseconds: number): void {
  const closeIdle = server.closeIdleConnections.bind(server)
  // `setImmediate`: after the poll phase, a connection whose request has arrived is no longer idle.
  server.closeIdleConnections = () => void setTimeout(() => setImmediate(closeIdle), milliseconds).unref()
  if (!server.listening) return
  const close = server.close.bind(server)
  TcpServer.prototype.close.call(server)
  // Fastify will close the server as well. Do not pass it the error that the server no longer listens.
  server.close = (done) => close(() => done?.())
}
