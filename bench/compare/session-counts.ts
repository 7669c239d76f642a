import { createHash, randomInt } from 'node:crypto'
import type { Bench } from './bench.js'
import { bearer, type Client, getting, refreshing, sendEach } from './clients.js'
import { latchkeyToken, limitToken, type Seeded, sha256 } from './database.js'
import type { Contender } from './measure.js'
import type { Server } from './processes.js'
import { takeTurns, warmUp } from './rounds.js'
import { loggingOut } from './rows/sign-in.js'
import { startComparison } from './table.js'

/** All these sessions have the same secret. */
const secret = '00'.repeat(32)
const sessionsPerUser = 10

interface Options {
  /** Ascending. */
  readonly sizes: readonly number[]
  readonly connections: number
  readonly rounds: number
  readonly seconds: number
}

/** Prints how refresh, /me and logout move as the number of sessions grows. */
export async function printSessionCounts(bench: Bench, { sizes, ...options }: Options): Promise<void> {
  const { database } = bench
  const { connections } = options
  const print = startComparison()
  for (const [i, size] of sizes.entries()) {
    // Of the sessions that were there before, some have been refreshed.
    const added = sizes[i - 1] ?? 0
    await fill(bench, added, size)
    for (const [name, contenders] of Object.entries(await rowsWith(bench, added, size))) {
      await warmUp(contenders, { ...options, database })
      const results = await takeTurns(contenders, { ...options, database })
      const limit = results[0]?.samples ?? []
      for (const { contender, samples } of results) {
        print({ title: `${name}, 10^${Math.log10(size)} sessions`, connections, name: contender.name, samples, limit })
      }
    }
    await bench.stopServers()
  }
}

/** Uses the sessions from number `from` to `size`. */
async function rowsWith(bench: Bench, from: number, size: number): Promise<Record<string, readonly Contender[]>> {
  const limit = await bench.limit()
  const latchkey = await bench.latchkey({ refreshGraceSeconds: 0 })
  // The limit refreshes the even sessions, Latchkey the odd ones. So both know the newest tokens of theirs.
  const odd = bench.repeated((i) => ({ refresh_token: latchkeyToken(sessionAt(from + 2 * i + 1)) }))
  const access = (await sendEach(latchkey, '/refresh', odd)).map(({ body }): string => JSON.parse(body).access_token)
  const first = from + 2 * bench.maxConnections
  return {
    refresh: [
      randomRefreshes(bench, { name: 'limit: UPDATE and ES256', server: limit, tokenOf: limitToken, first, size }),
      randomRefreshes(bench, { name: 'Latchkey', server: latchkey, tokenOf: latchkeyToken, first: first + 1, size })
    ],
    '/me': [
      { name: 'limit: bare route', servers: [limit], clients: bench.repeated(() => getting('/open')) },
      { name: 'Latchkey', servers: [latchkey], clients: access.map((token) => getting('/me', bearer(token))) }
    ],
    logout: [
      { name: 'limit: prepared DELETE', servers: [limit], ...loggingOut(bench, limitToken) },
      { name: 'Latchkey', servers: [latchkey], ...loggingOut(bench, latchkeyToken) }
    ]
  }
}

interface Refreshing {
  readonly name: string
  readonly server: Server
  readonly tokenOf: (session: Seeded) => string
  readonly first: number
  readonly size: number
}

/** Each request refreshes another session, at random among every second one from `first` on. */
function randomRefreshes(bench: Bench, { name, server, tokenOf, first, size }: Refreshing): Contender {
  const chains = new Map<number, Client>()
  const busy = new Set<number>()
  const client: Client = async (connection) => {
    let index: number
    do index = first + 2 * randomInt(Math.floor((size - first) / 2))
    while (busy.has(index))
    const refresh = chains.get(index) ?? refreshing(tokenOf(sessionAt(index)))
    chains.set(index, refresh)
    busy.add(index)
    const served = await refresh(connection)
    busy.delete(index)
    return served
  }
  return { name, servers: [server], clients: bench.repeated(() => client) }
}

/** The session with this number, as `fill` writes it. */
function sessionAt(index: number): Seeded {
  const sid = createHash('md5').update(`s${index}`).digest('hex')
  return { sid: sid.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'), secret, email: '' }
}

/** Adds the sessions from number `from` to `to`. Indexes are made anew afterwards, which is faster for many rows. */
async function fill({ database }: Bench, from: number, to: number): Promise<void> {
  const indexes = await database.query<{ name: string; definition: string }>(
    `SELECT indexname AS name, indexdef AS definition FROM pg_indexes
     WHERE schemaname = $1 AND tablename = 'session' AND indexname <> 'session_pkey'`,
    [database.schema]
  )
  await database.query(`SET maintenance_work_mem = '512MB'`)
  for (const { name } of indexes) await database.query(`DROP INDEX "${name}"`)
  await database.query('ALTER TABLE session DROP CONSTRAINT session_pkey')
  // Without the check of each user, which the statement before has just added.
  await database.query('SET session_replication_role = replica')
  await database.query(
    `INSERT INTO "user" (id, email, email_key, password_hash)
     SELECT md5('u' || n)::uuid, n || '@example.test', n || '@example.test', 'none:'
     FROM generate_series($1::int, $2::int - 1) AS n`,
    [Math.ceil(from / sessionsPerUser), Math.ceil(to / sessionsPerUser)]
  )
  await database.query(
    `INSERT INTO session (id, user_id, secret_hash, mode, amr, ip, user_agent, idle_expires_at, absolute_expires_at)
     SELECT md5('s' || n)::uuid, md5('u' || n / ${sessionsPerUser})::uuid, $3, 'body', '{pwd}', '192.0.2.1', $4,
       now() + interval '1 day', now() + interval '90 days'
     FROM generate_series($1::int, $2::int - 1) AS n`,
    [
      from,
      to,
      sha256(Buffer.from(secret, 'hex')),
      'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'
    ]
  )
  await database.query('SET session_replication_role = DEFAULT')
  await database.query('ALTER TABLE session ADD CONSTRAINT session_pkey PRIMARY KEY (id)')
  for (const { definition } of indexes) await database.query(definition)
  // Now rather than in the middle of a measurement.
  await database.query('VACUUM ANALYZE session')
  await database.query('VACUUM ANALYZE "user"')
}
