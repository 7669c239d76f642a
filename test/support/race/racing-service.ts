import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import type { Test } from 'tap'
import type { Database } from '../../../src/adapters/prisma/database.js'
import { openAdapters } from '../../../src/composition.js'
import { loadConfig } from '../../../src/config/read-config.js'
import { httpPlugin } from '../../../src/http/plugin.js'
import type { Ports } from '../../../src/ports/index.js'
import { testEnvironment } from '../service.js'

/** Replaces ports of the service. */
export type Mutation = (ports: Ports) => Ports

interface RacingService {
  /** Short, so that many refreshes fall inside and outside of it. */
  readonly graceSeconds: number
  readonly mutate?: Mutation
}

/** Starts the service with the ports that `mutate` returns, and returns its address. It closes with `t`. */
export async function listeningService(
  t: Test,
  database: Database,
  { graceSeconds, mutate = (ports) => ports }: RacingService
): Promise<string> {
  const config = loadConfig({ ...testEnvironment, REFRESH_GRACE_SECONDS: String(graceSeconds) })
  const { ports, close } = await openAdapters(config, { database })
  const app = Fastify()
  await app.register(httpPlugin, { ports: mutate(ports), settings: config })
  t.teardown(async () => {
    await app.close()
    await close()
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  return `http://127.0.0.1:${port}`
}
