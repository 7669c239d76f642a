import { availableParallelism, cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { Bench, type Row } from './bench.js'
import { BenchDatabase } from './database.js'
import { type Contender, measure, type Sample } from './measure.js'
import { guardedRoutes } from './rows/guarded-routes.js'
import { refreshRows } from './rows/refresh.js'
import { signInRows } from './rows/sign-in.js'
import { printHead, printLine } from './table.js'

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
    only: { type: 'string', default: '' }
  }
})
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const connectionCounts = values.connections.split(',').map(Number)
const rows = [...guardedRoutes, ...refreshRows, ...signInRows].filter(({ title }) => title.includes(values.only))

const database = await BenchDatabase.create(
  process.env.TEST_DATABASE_URL ?? 'postgresql://postgres@127.0.0.1:5432/test'
)
const bench = new Bench(database, Math.max(...connectionCounts))
try {
  const [{ version } = { version: '' }] = await database.query<{ version: string }>(
    `SELECT current_setting('server_version') AS version`
  )
  console.log(
    `${cpus()[0]?.model}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}; Node ${process.version}, ` +
      `PostgreSQL ${version}; medians of ${rounds} rounds of ${seconds} s\n`
  )
  // Creates the tables.
  await bench.latchkey()
  await bench.stopServers()
  printHead()
  for (const row of rows) await compare(row)
} finally {
  await bench.stopServers()
  await database.drop()
}

async function compare({ title, maxConnections = Number.POSITIVE_INFINITY, contenders }: Row): Promise<void> {
  const all = await contenders(bench)
  for (const connections of connectionCounts) {
    if (connections > maxConnections) continue
    const samples = new Map<Contender, Sample[]>(all.map((contender) => [contender, []]))
    for (let round = 0; round < rounds; round++) {
      for (const [contender, taken] of samples) taken.push(await measure(contender, { database, connections, seconds }))
    }
    const [limit = []] = samples.values()
    for (const [{ name }, taken] of samples) printLine({ title, connections, name, samples: taken, limit })
  }
  await bench.stopServers()
}
