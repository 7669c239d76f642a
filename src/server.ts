import type { FastifyInstance } from 'fastify'
import { buildApp } from './app.js'
import type { Config } from './config/read-config.js'
import { closeOnSignal, drainMilliseconds } from './graceful-close.js'

/**
 * Serves until a signal, then finishes the running requests and closes the adapters. SIGTERM waits for
 * `shutdownDelaySeconds` first. Resolves when the server listens. Rejects if the database cannot be opened or the address
 * is not free. `print` gets a welcome text, not in production.
 */
export async function serve(config: Config, print: (text: string) => void): Promise<void> {
  const leaving = new AbortController()
  const app = await buildApp(config, { drainMilliseconds, leaving: leaving.signal })
  const address = await listen(app, config)
  closeOnSignal(app, { delaySeconds: config.shutdownDelaySeconds, announce: () => leaving.abort() })

  if (!config.production) print(welcome(address, config))
}

async function listen(app: FastifyInstance, { host, port }: Config): Promise<string> {
  try {
    return await app.listen({ host, port, listenTextResolver: (address) => `Latchkey listens at ${address}` })
  } catch (error) {
    await app.close()
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    throw new Error(
      `Port ${port} of ${host} is taken. Stop the process that listens there, or set PORT to another port.`
    )
  }
}

function welcome(address: string, { databaseUrl, dataDir, docs, passwordLogin }: Config): string {
  const database =
    databaseUrl === undefined
      ? `embedded, in ${dataDir}; every change is on disk before it is answered`
      : 'the server of DATABASE_URL'
  return `
  Latchkey listens at ${address}
  Database:           ${database}
${docs ? `  API documentation:  ${address}/docs\n` : ''}
${passwordLogin ? tryOut(address) : ''}`
}

const tryOut = (address: string) => `  Try:
  curl -i ${address}/register -H 'content-type: application/json' \\
    -d '{"email":"you@example.com","password":"correct horse battery"}'

`
