import type { Server } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'
import { buildApp } from './app.js'
import type { Config } from './config.js'

/** Docker kills ten seconds after its signal, Kubernetes after thirty: be done before either. */
const stopWithinMilliseconds = 8000

/** Within this, every client that is busy has had an answer that ends its connection. */
const drainMilliseconds = 1000

/** Where connections never stop coming, no more are waited for. */
const mostAccepted = 1000

/**
 * Serves until a signal comes; then accepts nothing new, finishes what is under way and closes the
 * adapters. Resolves once it listens. Rejects where the database or the address cannot be had.
 */
export async function serve(config: Config, print: (text: string) => void): Promise<void> {
  const app = await buildApp(config, { drainMilliseconds })
  const address = await listen(app, config)
  closeWithGrace({ delay: stopWithinMilliseconds, logger: app.log }, async ({ signal, err }) => {
    if (err) app.log.fatal({ err }, 'stopping after an error that nothing caught')
    else app.log.info({ signal }, 'stopping: finishing what is under way')
    await acceptWhoWaits(app.server)
    await app.close()
  })

  if (!config.production) print(welcome(address, config))
}

/**
 * Accepts who is connected by now: Node accepts one in a turn of the event loop, and whoever still waits
 * when the server closes is reset. Ends after the first turn that had nobody to accept.
 */
async function acceptWhoWaits(server: Server): Promise<void> {
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

async function listen(app: FastifyInstance, { host, port }: Config): Promise<string> {
  try {
    return await app.listen({ host, port, listenTextResolver: (address) => `Latchkey listens at ${address}` })
  } catch (error) {
    await app.close()
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    throw new Error(`Port ${port} of ${host} is taken. Stop what listens there, or set PORT to another.`)
  }
}

function welcome(address: string, { databaseUrl, dataDir }: Config): string {
  const database =
    databaseUrl === undefined
      ? `embedded, in ${dataDir}; a change is on the disk before it is answered`
      : 'the server that DATABASE_URL names'
  return `
  Latchkey listens at ${address}
  Database:           ${database}
  API, to read:       ${address}/docs

  Try:
  curl -i ${address}/register -H 'content-type: application/json' \\
    -d '{"email":"you@example.com","password":"correct horse battery"}'

`
}
