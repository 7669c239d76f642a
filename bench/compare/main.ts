import { availableParallelism, cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { Bench, leftOut, type Row } from './bench.js'
import { BenchDatabase } from './database.js'
import { printLoginFlood } from './login-flood.js'
import { takeTurns, warmUp } from './rounds.js'
import { guardedRoutes } from './rows/guarded-routes.js'
import { refreshRows } from './rows/refresh.js'
import { signInRows } from './rows/sign-in.js'
import { printSessionCounts } from './session-counts.js'
import { printStartUp } from './start-up.js'
import { type Line, startComparison } from './table.js'

/**
 * npm run bench: compares Latchkey with the limit, which does only what no service can leave out, and with what people use
 * instead. The contenders of a row take turns in each round, on one machine with the load generator and PostgreSQL, so
 * read the ratios. docs/performance.md explains the table. TEST_DATABASE_URL names the PostgreSQL server.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    connections: { type: 'string', default: '1,8,64,256' },
    /** Measures only the rows with this text in their titles. */
    only: { type: 'string', default: '' },
    /** Measures instead how requests move with so many sessions, such as 1000,100000. */
    sessions: { type: 'string' }
  }
})
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const connectionCounts = values.connections.split(',').map(Number)
const rows = [...guardedRoutes, ...refreshRows, ...signInRows].filter(({ title }) => title.includes(values.only))

const database = await BenchDatabase.create(
  process.env.TEST_DATABASE_URL ?? 'postgresql://postgres@127.0.0.1:5432/test'
)
const maxConnections = Math.max(...connectionCounts)
const bench = new Bench(database, maxConnections)
try {
  const [{ version } = { version: '' }] = await database.query<{ version: string }>(
    `SELECT current_setting('server_version') AS version`
  )
  console.log(
    `${cpus()[0]?.model}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}; Node ${process.version}, ` +
      `PostgreSQL ${version}; medians of ${rounds} rounds of ${seconds} s`
  )
  for (const line of leftOut) console.log(line)
  // Creates the tables.
  await bench.latchkey()
  await bench.stopServers()
  if (values.sessions !== undefined) {
    const sizes = values.sessions.split(',').map(Number)
    await printSessionCounts(bench, { sizes, connections: maxConnections, rounds, seconds })
  } else {
    const print = startComparison()
    for (const row of rows) await compare(row, print)
    if ('start-up'.includes(values.only)) await printStartUp(bench, rounds)
    if ('login flood'.includes(values.only)) await printLoginFlood(bench, { rounds, seconds: 5 * seconds })
  }
} finally {
  await bench.stopServers()
  await database.drop()
}

async function compare(row: Row, print: (line: Line) => void): Promise<void> {
  const contenders = await row.contenders(bench)
  await warmUp(contenders, { database, seconds })
  for (const connections of connectionCounts) {
    if (connections > (row.maxConnections ?? connections)) continue
    const results = await takeTurns(contenders, { database, connections, rounds, seconds })
    const limit = results[0]?.samples ?? []
    for (const { contender, samples } of results) {
      print({ title: row.title, connections, name: contender.name, samples, limit })
    }
  }
  await bench.stopServers()
}
