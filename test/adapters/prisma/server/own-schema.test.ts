import { randomUUID } from 'node:crypto'
import pg from 'pg'
import t, { type Test } from 'tap'
import type { Database } from '../../../../src/adapters/prisma/database.js'
import { openServerDatabase, type ServerOptions } from '../../../../src/adapters/prisma/server/server-database.js'
import { hostTables } from '../../../support/adapters/host-tables.js'
import { onServer, serverUrl, sql, testServerDatabase } from '../../../support/database.js'
import { until } from '../../../support/faults/crowd.js'

// Each test makes a database of its own, which takes seconds on a busy disk.
t.setTimeout(240_000)

const onlyWithServer = serverUrl === undefined ? { skip: 'needs TEST_DATABASE_URL' } : {}

async function open(t: Test, url: string, options: Partial<ServerOptions> = {}): Promise<Database> {
  const database = await openServerDatabase({ poolSize: 1, ...options, url })
  t.teardown(() => database.close())
  return database
}

const inSchema = (url: string, schema: string) => {
  const named = new URL(url)
  named.searchParams.set('schema', schema)
  return named.href
}

/** The schemas that have our tables, and how many accounts each has. */
async function accounts(url: string): Promise<Record<string, number>> {
  return onServer(async (client) => {
    const { rows } = await client.query<{ schema: string }>(
      `SELECT schemaname AS schema FROM pg_tables WHERE tablename = 'signing_key' ORDER BY 1`
    )
    const counts: Record<string, number> = {}
    for (const { schema } of rows) {
      const { rows } = await client.query(`SELECT 1 FROM ${pg.escapeIdentifier(schema)}."user"`)
      counts[schema] = rows.length
    }
    return counts
  }, url)
}

async function register(database: Database): Promise<void> {
  const id = randomUUID()
  const user = { id, email: `${id}@example.com`, emailKey: `${id}@example.com`, passwordHash: 'none', roles: [] }
  await database.run((prisma) => prisma.user.create({ data: user }))
}

/** A role that may connect to the database, and nothing else. */
async function poorRole(t: Test, url: string) {
  const role = `latchkey_${randomUUID().replaceAll('-', '')}`
  await onServer((client) => client.query(`CREATE ROLE ${role} LOGIN PASSWORD '${role}'`), url)
  t.teardown(() => onServer((client) => client.query(`DROP ROLE ${role}`)))
  t.teardown(() => onServer((client) => client.query(`DROP OWNED BY ${role} CASCADE`), url))
  const ofRole = new URL(url)
  ofRole.username = role
  ofRole.password = role
  return { role, url: ofRole.href }
}

t.test('a new installation uses the schema latchkey, whatever a host has in public', onlyWithServer, async (t) => {
  const url = await testServerDatabase(t)
  await onServer((client) => client.query(hostTables), url)
  await register(await open(t, url))
  t.strictSame(await accounts(url), { latchkey: 1 })
  await onServer(async (client) => {
    const { rows } = await client.query('SELECT "name" FROM public."user"')
    t.strictSame(rows, [{ name: 'of the host' }])
    const history = await client.query('SELECT "migration_name" FROM public."_prisma_migrations" ORDER BY 1')
    t.strictSame(
      history.rows.map(({ migration_name }) => migration_name),
      ['20250101000000_host', '20250102000000_failed']
    )
  }, url)
})

t.test('an installation whose migrations are in public stays there', onlyWithServer, async (t) => {
  const url = await testServerDatabase(t)
  await register(await open(t, inSchema(url, 'public')))
  await register(await open(t, url))
  await register(await open(t, url, { migrate: false }))
  t.strictSame(await accounts(url), { public: 3 })
})

t.test(
  'an installation in public stays there also if the host shares its history, with a failed migration',
  onlyWithServer,
  async (t) => {
    const url = await testServerDatabase(t)
    await register(await open(t, inSchema(url, 'public')))
    await onServer(
      (client) =>
        client.query(
          `INSERT INTO public."_prisma_migrations" ("id", "checksum", "migration_name") VALUES ('1', 'x', '2025_host_failed')`
        ),
      url
    )
    await register(await open(t, url))
    t.strictSame(await accounts(url), { public: 2 })
  }
)

t.test('a schema named in the URL is used, whatever the database holds', onlyWithServer, async (t) => {
  const url = await testServerDatabase(t)
  await register(await open(t, inSchema(url, 'public')))
  await register(await open(t, inSchema(url, 'My Schema')))
  await register(await open(t, inSchema(url, 'latchkey')))
  t.strictSame(await accounts(url), { 'My Schema': 1, latchkey: 1, public: 1 })
})

t.test('with installations in public and in latchkey, the URL must name one', onlyWithServer, async (t) => {
  const url = await testServerDatabase(t)
  await open(t, inSchema(url, 'latchkey'))
  await open(t, inSchema(url, 'public'))
  await t.rejects(openServerDatabase({ url }), {
    name: 'CannotStart',
    message:
      'Both the schema "public" and the schema "latchkey" have tables of Latchkey: name the right one in DATABASE_URL, by ?schema=public or ?schema=latchkey.'
  })
})

t.test(
  'instances that start at the same time on an empty database all use the schema latchkey',
  onlyWithServer,
  async (t) => {
    const url = await testServerDatabase(t)
    const databases = await Promise.all([0, 1, 2, 3].map(() => open(t, url)))
    await Promise.all(databases.map(register))
    t.strictSame(await accounts(url), { latchkey: 4 })
  }
)

t.test(
  'the instance of an older version and a new one use the same tables during a deploy',
  onlyWithServer,
  async (t) => {
    const url = await testServerDatabase(t)
    // Version 0.1.0 takes `public` where the URL names no schema.
    const older = await open(t, inSchema(url, 'public'))
    const newer = await open(t, url)
    await register(older)
    t.equal((await sql(newer, 'SELECT * FROM "user"')).length, 1)
  }
)

t.test(
  'a role that may not create the schema gets the command to run, and can start after it',
  onlyWithServer,
  async (t) => {
    const url = await testServerDatabase(t)
    const poor = await poorRole(t, url)
    const database = new URL(url).pathname.slice(1)
    const command = `CREATE SCHEMA "latchkey" AUTHORIZATION "${poor.role}"`
    await t.rejects(openServerDatabase({ url: poor.url }), {
      name: 'CannotStart',
      message: `DATABASE_URL: the role "${poor.role}" may not create the schema "latchkey". Run this as the owner of the database "${database}": ${command}`
    })
    await onServer((client) => client.query(command), url)
    await register(await open(t, poor.url))
    t.strictSame(await accounts(url), { latchkey: 1 })
  }
)

t.test("a host's history that our role may not read is not ours", onlyWithServer, async (t) => {
  const url = await testServerDatabase(t)
  const poor = await poorRole(t, url)
  await onServer((client) => client.query(`${hostTables}; CREATE SCHEMA latchkey AUTHORIZATION ${poor.role}`), url)
  await t.rejects(
    onServer((client) => client.query('TABLE public."_prisma_migrations"'), poor.url),
    /permission denied/
  )
  await register(await open(t, poor.url))
  await onServer((client) => client.query('REVOKE ALL ON SCHEMA public FROM PUBLIC'), url)
  await register(await open(t, poor.url))
  t.strictSame(await accounts(url), { latchkey: 2 })
})

t.test(
  'with MIGRATE off, the missing schema of an empty database is named and not created',
  onlyWithServer,
  async (t) => {
    const url = await testServerDatabase(t)
    await t.rejects(openServerDatabase({ url, migrate: false }), {
      name: 'CannotStart',
      message:
        /^MIGRATE is off, and the schema "latchkey" of the database lacks the migration \d+_initial and \d+ more: /
    })
    t.strictSame(await accounts(url), {})
    await onServer(async (client) => {
      t.equal((await client.query(`SELECT 1 FROM pg_namespace WHERE nspname = 'latchkey'`)).rowCount, 0)
    }, url)
  }
)

t.test('two installations in one database have their own sessions, locks and notices', onlyWithServer, async (t) => {
  const url = await testServerDatabase(t)
  const [one, other] = [await open(t, url, { poolSize: 2 }), await open(t, inSchema(url, 'other'), { poolSize: 2 })]
  if (one.listen === undefined || other.listen === undefined) return t.fail('a server database offers no listen')
  const heard: string[] = []
  const hear = (name: string) => ({ onNotice: () => heard.push(name), onLost: () => undefined })
  const listening = [
    await one.listen('latchkey_revocation')(hear('one')),
    await other.listen('latchkey_revocation')(hear('other'))
  ]
  const revoke = `INSERT INTO revocation (reason, expires_at) VALUES ('revoked_by_admin', now() + interval '1 hour')`
  await sql(one, revoke)
  await until(async () => heard.length === 1)
  await sql(other, revoke)
  await until(async () => heard.length === 2)
  t.strictSame(heard, ['one', 'other'])
  for (const { close } of listening) await close()

  // The lock of a change of admins is a row of each schema: the other installation does not wait for it.
  await onServer(async (client) => {
    await client.query('BEGIN')
    await client.query('LOCK TABLE latchkey."named_lock" IN ACCESS EXCLUSIVE MODE')
    await t.resolves(sql(other, 'SELECT * FROM "named_lock" FOR UPDATE'))
    await client.query('ROLLBACK')
  }, url)
})
