import { randomUUID } from 'node:crypto'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { HttpConnection } from './http-connection.js'
import { type Client, measure, type Sample } from './measure.js'
import { type Server, startServer } from './processes.js'
import { seedSessions, withClient } from './sessions.js'

/**
 * npm run bench: compares Latchkey with the limit, which does only what no service can leave out, and with a server as
 * people write it by hand. The contenders take turns in each round, on one machine with the load generator and
 * PostgreSQL, so read the ratios. TEST_DATABASE_URL names the PostgreSQL server.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    connections: { type: 'string', default: '1,8,64' },
    only: { type: 'string' }
  }
})
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const connectionCounts = values.connections.split(',').map(Number)
const databaseUrl = process.env.TEST_DATABASE_URL ?? 'postgresql://postgres@127.0.0.1:5432/test'
const schema = `bench_${randomUUID().replaceAll('-', '')}`

interface Contender {
  readonly name: string
  readonly server: Server
  /** One for each connection. In the next round they go on where they stopped. */
  readonly clients: readonly Client[]
}

interface Row {
  readonly title: string
  /** The others are compared with the first one. */
  readonly contenders: readonly Contender[]
}

const maxConnections = Math.max(...connectionCounts)
const person = { email: 'ada@example.test', password: 'correct horse battery staple', mode: 'body' }

await withClient(databaseUrl, (client) => client.query(`CREATE SCHEMA "${schema}"`))
const servers: Server[] = []
try {
  const latchkey = (options: object) =>
    start('latchkey-server.js', JSON.stringify({ databaseUrl: inSchema(databaseUrl), bcryptCost: 4, ...options }))
  const strict = await latchkey({ refreshGraceSeconds: 0, maxSessionsPerUser: 1000, rootSecret: ['r'.repeat(32)] })
  const limit = await start('limit-server.js', databaseUrl, schema)
  const byHand = await start('hand-written-server.js', databaseUrl, schema)

  const tokens = await logIn(strict, maxConnections)
  const rows: Row[] = [
    {
      title: 'guarded route',
      contenders: [
        { name: 'limit: bare route', server: limit, clients: repeated(() => getting('/open', '')) },
        {
          name: 'Latchkey, plugin',
          server: strict,
          clients: tokens.map(({ access }) => getting('/guarded', bearer(access)))
        },
        {
          name: '@fastify/jwt by hand',
          server: byHand,
          clients: await Promise.all(repeated(async () => getting('/guarded', bearer(await tokenOf(byHand)))))
        }
      ]
    },
    {
      title: 'GET /me',
      contenders: [
        { name: 'limit: bare route', server: limit, clients: repeated(() => getting('/open', '')) },
        { name: 'Latchkey', server: strict, clients: tokens.map(({ access }) => getting('/me', bearer(access))) }
      ]
    },
    {
      title: 'POST /refresh, each rotates',
      contenders: [
        { name: 'limit: prepared UPDATE, ES256', server: limit, clients: await seededChains() },
        { name: 'Latchkey', server: strict, clients: tokens.map(({ refresh }) => refreshing(refresh)) },
        { name: 'Prisma and @fastify/jwt by hand', server: byHand, clients: await seededChains() }
      ]
    }
  ]

  console.log(
    `${cpus()[0]?.model}, ${availableParallelism()} threads, Node ${process.version}, load ${loadavg()[0]?.toFixed(1)}; ` +
      `medians of ${rounds} rounds of ${seconds} s\n`
  )
  for (const { title, contenders } of rows) {
    if (values.only !== undefined && !title.includes(values.only)) continue
    for (const count of connectionCounts) await compare(title, contenders, count)
  }
} finally {
  await Promise.all(servers.map((server) => server.stop()))
  await withClient(databaseUrl, (client) => client.query(`DROP SCHEMA "${schema}" CASCADE`))
}

async function compare(title: string, contenders: readonly Contender[], connections: number): Promise<void> {
  const samples = new Map<string, Sample[]>(contenders.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const { name, server, clients } of contenders) {
      const sample = await measure(server, clients.slice(0, connections), { databaseUrl, seconds, warmUpSeconds: 0.3 })
      samples.get(name)?.push(sample)
    }
  }
  const [first] = contenders
  const base = samples.get(first?.name ?? '') ?? []
  console.log(`${title}, ${connections} connections`)
  for (const [name, all] of samples) {
    const ratios = all.map(({ perSecond }, round) => perSecond / (base[round]?.perSecond ?? Number.NaN))
    const [low, middle, high] = [Math.min(...ratios), median(ratios), Math.max(...ratios)]
    const of = (figure: keyof Sample) => median(all.map((sample) => sample[figure]))
    console.log(
      [
        `  ${name.padEnd(34)}`,
        `${middle.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`.padEnd(20),
        `${of('perSecond').toFixed(0).padStart(6)}/s`,
        `p99 ${of('p99Milliseconds').toFixed(1).padStart(6)} ms`,
        `Node ${of('nodeMicroseconds').toFixed(0).padStart(5)} µs`,
        `PostgreSQL ${of('postgresMicroseconds').toFixed(0).padStart(5)} µs`,
        `WAL ${of('walBytes').toFixed(0).padStart(5)} B`
      ].join('  ')
    )
  }
  console.log()
}

async function start(module: string, ...args: string[]): Promise<Server> {
  const server = await startServer(new URL(module, import.meta.url), args)
  servers.push(server)
  return server
}

function inSchema(url: string): string {
  const address = new URL(url)
  address.searchParams.set('schema', schema)
  return address.href
}

/** One session for each connection. */
async function logIn({ port }: Server, count: number) {
  const connection = await HttpConnection.open(port)
  const tokens: { access: string; refresh: string }[] = []
  for (let i = 0; i < count; i++) {
    const answer = await connection.send('POST', i === 0 ? '/register' : '/login', '', JSON.stringify(person))
    const { access_token: access, refresh_token: refresh } = JSON.parse(answer.body)
    tokens.push({ access, refresh })
  }
  connection.close()
  return tokens
}

async function tokenOf({ port }: Server): Promise<string> {
  const connection = await HttpConnection.open(port)
  const { body } = await connection.send('POST', '/token', '', '{}')
  connection.close()
  return JSON.parse(body).access_token
}

async function seededChains(): Promise<readonly Client[]> {
  const sessions = await seedSessions(databaseUrl, schema, maxConnections)
  return sessions.map(({ sid, secret }) => refreshing(`${sid}.0.${secret}`))
}

function refreshing(firstToken: string): Client {
  let token = firstToken
  return async (connection) => {
    const { status, body } = await connection.send('POST', '/refresh', '', `{"refresh_token":"${token}"}`)
    if (status !== 200) throw new Error(`${status} ${body}`)
    token = JSON.parse(body).refresh_token
  }
}

function getting(path: string, headers: string): Client {
  return async (connection) => {
    const { status, body } = await connection.send('GET', path, headers)
    if (status !== 200) throw new Error(`${status} ${body}`)
  }
}

function repeated<T>(make: () => T): T[] {
  return Array.from({ length: maxConnections }, make)
}

function bearer(token: string): string {
  return `authorization: Bearer ${token}\r\n`
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
