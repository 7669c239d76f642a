import { createHash } from 'node:crypto'
import type { Bench, Row } from '../bench.js'
import { type Client, refreshing, signUp } from '../clients.js'
import { latchkeyToken, limitToken, type Seeded } from '../database.js'
import type { Contender } from '../measure.js'
import { peerRefreshes } from './peers.js'

const limitName = 'limit: UPDATE and ES256'

/** Each connection has a session of its own, and always sends its newest refresh token. */
export const refreshRows: readonly Row[] = [
  {
    title: 'POST /refresh, grace 0',
    contenders: async (bench) => [
      { name: limitName, servers: [await bench.limit()], clients: await chains(bench, limitToken) },
      {
        name: 'Latchkey',
        servers: [await bench.latchkey({ refreshGraceSeconds: 0 })],
        clients: await chains(bench, latchkeyToken)
      },
      ...(await peerRefreshes(bench))
    ]
  },
  {
    // Within the grace period of 20 s the service signs a new access token and writes nothing.
    title: 'POST /refresh, default grace',
    contenders: async (bench) => [
      { name: limitName, servers: [await bench.limit()], clients: await chains(bench, limitToken) },
      { name: 'Latchkey', servers: [await bench.latchkey()], clients: await chains(bench, latchkeyToken) }
    ]
  },
  {
    title: 'POST /refresh, two instances',
    contenders: async (bench) => [
      {
        name: limitName,
        servers: [await bench.limit(), await bench.limit()],
        clients: await chains(bench, limitToken)
      },
      {
        name: 'Latchkey',
        servers: [await bench.latchkey({ refreshGraceSeconds: 0 }), await bench.latchkey({ refreshGraceSeconds: 0 })],
        clients: await chains(bench, latchkeyToken)
      }
    ]
  },
  {
    title: 'POST /refresh, embedded',
    contenders: async (bench) => [
      {
        name: limitName,
        servers: [await bench.start('limit')],
        clients: bench.repeated((index) => refreshing(limitToken({ sid: embeddedSid(index), secret: '' })))
      },
      await embedded(bench, 'Latchkey', {}),
      await embedded(bench, 'Latchkey, no batches', { refreshBatchSize: 1 })
    ]
  }
]

async function embedded(bench: Bench, name: string, options: object): Promise<Contender> {
  const dataDir = await bench.folder()
  const server = await bench.latchkey({ databaseUrl: undefined, dataDir, refreshGraceSeconds: 0, ...options })
  const people = await signUp(server, bench.maxConnections, 'body')
  return { name, servers: [server], clients: people.map(({ refresh }) => refreshing(refresh)) }
}

async function chains(bench: Bench, tokenOf: (session: Seeded) => string): Promise<readonly Client[]> {
  const sessions = await bench.database.seedSessions(bench.maxConnections)
  return sessions.map((session) => refreshing(tokenOf(session)))
}

/** The id of a session in the limit's own embedded database. */
function embeddedSid(index: number): string {
  const hex = createHash('md5').update(String(index)).digest('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
