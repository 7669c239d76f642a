import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import type { Test } from 'tap'
import type { Database } from '../../../src/adapters/prisma/database.js'
import { openAdapters } from '../../../src/composition.js'
import { type Environment, loadConfig } from '../../../src/config/read-config.js'
import { httpPlugin } from '../../../src/http/plugin.js'
import type { Ports } from '../../../src/ports/index.js'
import { testEnvironment } from '../service.js'

/** The window of a service that is raced: short, so that much falls on both sides of it. */
export const graceSeconds = 2

/** What a part of the service is put in place of. */
export type Mutation = (ports: Ports) => Ports

/** The service on a port of its own until `t` ends, with its ports as `mutate` leaves them; its address. */
export async function listeningService(
  t: Test,
  database: Database,
  mutate: Mutation = (ports) => ports,
  environment: Environment = {}
): Promise<string> {
  const config = loadConfig({ ...testEnvironment, REFRESH_GRACE_SECONDS: String(graceSeconds), ...environment })
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
