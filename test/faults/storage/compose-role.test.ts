import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { onServer } from '../../support/database.js'
import { cannotRunPostgres, type PostgresCluster, startPostgres } from '../../support/faults/postgres-cluster.js'
import { Device } from '../../support/processes/device.js'
import { latchkey, processTestMilliseconds, startService } from '../../support/processes/process.js'

const skip = cannotRunPostgres
t.setTimeout(3 * processTestMilliseconds)

const run = promisify(execFile)
const root = new URL('../../../../', import.meta.url)
const script = new URL('scripts/compose-role.sql', root).pathname
const password = 'a pass\'word; \\ with "quotes" and $signs'

/** Does as the entrypoint of PostgreSQL's image does for a new volume: it gives the superuser a password and runs the script. */
async function makeRole(cluster: PostgresCluster): Promise<void> {
  await cluster.sql(`ALTER ROLE CURRENT_USER PASSWORD '${password.replaceAll("'", "''")}'`)
  const options = ['-v', 'ON_ERROR_STOP=1', '--no-psqlrc', '--no-password', '-d', cluster.url, '-f', script]
  await run('psql', options, { env: { ...process.env, POSTGRES_PASSWORD: password } })
}

const asRole = ({ port }: PostgresCluster) => `postgresql://latchkey@127.0.0.1:${port}/latchkey`

/** Makes the server ask everybody but root's own socket for a password, as the image does for the network. */
async function askForPasswords(cluster: PostgresCluster): Promise<void> {
  await cluster.sql(`COPY (SELECT 'host all all all scram-sha-256') TO PROGRAM 'cat > pg_hba.conf'`)
  await cluster.sql('SELECT pg_reload_conf()')
  // The server reads the file a moment later.
  const asksForPassword = () =>
    cluster.sql('SELECT 1').then(
      () => false,
      () => true
    )
  while (!(await asksForPassword())) await delay(10)
}

const rightsOf = (cluster: PostgresCluster) =>
  cluster.sql(
    `SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles WHERE rolname = 'latchkey'`
  )

async function expectService(t: Test, databaseUrl: string): Promise<void> {
  const service = await startService(t, { DATABASE_URL: databaseUrl, BCRYPT_COST: '4', ROOT_SECRET: 'r'.repeat(32) })
  const device = new Device(service.url)
  t.equal((await device.signIn('/register', 'ada@example.com')).status, 201)
  t.equal((await device.refresh()).status, 200)
  t.equal((await fetch(`${service.url}/readyz`)).status, 200)
  const { stdout } = await service.stop()
  t.notMatch(stdout, /permission denied|must be owner|must be superuser/)
}

t.test('on a new volume the service has a role without any right but its database, and works', { skip }, async (t) => {
  const cluster = await startPostgres(t)
  await makeRole(cluster)
  t.strictSame(await rightsOf(cluster), [
    {
      rolname: 'latchkey',
      rolsuper: false,
      rolcreatedb: false,
      rolcreaterole: false,
      rolreplication: false,
      rolbypassrls: false
    }
  ])
  const settings = { DATABASE_URL: asRole(cluster), BCRYPT_COST: '4', ROOT_SECRET: 'r'.repeat(32) }
  t.equal((await latchkey(['migrate'], settings)).code, 0)
  await expectService(t, asRole(cluster))
  t.equal((await latchkey(['key', 'rotate', '--revoke-old'], settings)).code, 0)
  for (const statement of [`COPY (SELECT 1) TO PROGRAM 'true'`, 'CREATE ROLE other', 'CREATE DATABASE other']) {
    await t.rejects(
      onServer((client) => client.query(statement), asRole(cluster)),
      { code: '42501' }
    )
  }
})

t.test('over the network, only the role can log in, with the password of .env', { skip }, async (t) => {
  const cluster = await startPostgres(t)
  await makeRole(cluster)
  await askForPasswords(cluster)
  const logIn = (user: string, given: string) => {
    const url = new URL(`postgresql://127.0.0.1:${cluster.port}/postgres`)
    url.username = user
    url.password = encodeURIComponent(given)
    return onServer(async (client) => (await client.query('SELECT current_user AS name')).rows[0]?.name, url.href)
  }
  t.equal(await logIn('latchkey', password), 'latchkey')
  await t.rejects(logIn('latchkey', 'another'), { code: '28P01' })
  await t.rejects(logIn('postgres', password), { code: '28P01' }, 'the superuser has no password')
})

t.test('a volume of an older compose.yaml, whose role is a superuser, works on', { skip }, async (t) => {
  const cluster = await startPostgres(t)
  // The image of the older file made the role by POSTGRES_USER, and the database of that name.
  await cluster.sql(`CREATE ROLE latchkey SUPERUSER LOGIN PASSWORD 'x'`)
  await cluster.sql('CREATE DATABASE latchkey OWNER latchkey')
  await expectService(t, asRole(cluster))

  await t.test('and moves to a new volume as docs/operations.md says', async (t) => {
    const { stdout: dump } = await run('pg_dump', ['--no-owner', '-d', asRole(cluster)], { maxBuffer: 2 ** 26 })
    const fresh = await startPostgres(t)
    await makeRole(fresh)
    const restoring = execFile('psql', ['-v', 'ON_ERROR_STOP=1', '-q', '-d', asRole(fresh)])
    restoring.stdin?.end(dump)
    t.equal(await new Promise((resolve) => restoring.on('exit', resolve)), 0)
    const service = await startService(t, {
      DATABASE_URL: asRole(fresh),
      BCRYPT_COST: '4',
      ROOT_SECRET: 'r'.repeat(32)
    })
    t.equal((await new Device(service.url).signIn('/login', 'ada@example.com')).status, 200)
  })
})

t.test('compose.yaml runs the script, and its role and database are those of DATABASE_URL', async (t) => {
  const compose = await readFile(new URL('compose.yaml', root), 'utf8')
  t.match(compose, "'./scripts/compose-role.sql:/docker-entrypoint-initdb.d/compose-role.sql:ro'")
  t.match(compose, /DATABASE_URL: postgresql:\/\/latchkey:\$\{POSTGRES_PASSWORD:[^}]+\}@postgres:5432\/latchkey\n/)
  t.notMatch(compose, 'POSTGRES_USER', 'the role of the service is not the superuser of the image')
})
