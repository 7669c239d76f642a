import { createHash } from 'node:crypto'
import type { Bench, Row } from '../bench.js'
import { type Client, refreshing, signUp } from '../clients.js'
import { latchkeyToken, limitToken, type Seeded } from '../database.js'

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
      {
        name: 'Prisma by hand',
        servers: [await bench.start('hand-written', [bench.database.serverUrl, bench.database.schema])],
        clients: await chains(bench, limitToken)
      }
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
    async contenders(bench) {
      const dataDir = await bench.folder()
      const latchkey = await bench.latchkey({ databaseUrl: undefined, dataDir, refreshGraceSeconds: 0 })
      const people = await signUp(latchkey, bench.maxConnections, 'body')
      return [
        {
          name: limitName,
          servers: [await bench.start('limit')],
          clients: bench.repeated((index) => refreshing(limitToken({ sid: embeddedSid(index), secret: '' })))
        },
        { name: 'Latchkey', servers: [latchkey], clients: people.map(({ refresh }) => refreshing(refresh)) }
      ]
    }
  }
]

async function chains(bench: Bench, tokenOf: (session: Seeded) => string): Promise<readonly Client[]> {
  const sessions = await bench.database.seedSessions(bench.maxConnections)
  return sessions.map((session) => refreshing(tokenOf(session)))
}

/** The id of a session in the limit's own embedded database. */
function embeddedSid(index: number): string {
  const hex = createHash('md5').update(String(index)).digest('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
