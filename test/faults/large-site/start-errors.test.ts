import { writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openServerDatabase } from '../../../src/adapters/prisma/server/server-database.js'
import { testFolder } from '../../support/database.js'
import { cannotRunPgbouncer, startPgbouncer } from '../../support/faults/pgbouncer.js'
import { cannotRunPostgres, type PostgresCluster, startPostgres } from '../../support/faults/postgres-cluster.js'
import { latchkey, quickSettings } from '../../support/processes/process.js'

t.setTimeout(300_000)

const password = 'hunter2#/?@%'
const encoded = encodeURIComponent(password)

/** The roles and rules of the cluster: `ada` has a password, `tls` needs TLS, `ghost` does not exist. */
async function prepare(cluster: PostgresCluster): Promise<void> {
  await cluster.sql(`CREATE ROLE ada LOGIN PASSWORD '${password}'; CREATE ROLE tls LOGIN;
    CREATE ROLE full_up LOGIN CONNECTION LIMIT 0`)
  await cluster.sql('CREATE DATABASE people OWNER ada')
  const rules = [
    'local all all trust',
    'host all postgres,ghost,full_up 127.0.0.1/32 trust',
    'hostssl all tls 127.0.0.1/32 trust',
    'host all ada 127.0.0.1/32 scram-sha-256'
  ]
  await cluster.sql(`COPY (VALUES ('${rules.join("'), ('")}')) TO PROGRAM 'cat > pg_hba.conf'`)
  await cluster.sql('SELECT pg_reload_conf()')
}

/** Turns TLS on, with a certificate for localhost that nobody trusts. Returns the certificate. */
async function turnOnTls(cluster: PostgresCluster): Promise<string> {
  const make =
    'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.crt ' +
    '-subj /CN=localhost -addext subjectAltName=DNS:localhost && chmod 600 server.key'
  await cluster.sql(`COPY (SELECT 1) TO PROGRAM '${make} 2>/dev/null'`)
  await cluster.sql('ALTER SYSTEM SET ssl = on')
  await cluster.restart()
  const [row] = await cluster.sql(`SELECT pg_read_file('server.crt') AS "certificate"`)
  return typeof row === 'object' && row !== null && 'certificate' in row ? String(row.certificate) : ''
}

/** The port of a TCP server that does `serve` with each connection. */
async function tcpServer(t: Test, serve: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => serve(sockets.add(socket.on('error', () => undefined)) && socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function expectRefused(t: Test, url: string, expected: RegExp, directUrl?: string): Promise<void> {
  try {
    await (await openServerDatabase({ url, directUrl })).close()
    t.fail(`${url} works`)
  } catch (error) {
    t.match(error, { name: 'CannotStart', message: expected }, url)
    const { message } = error instanceof Error ? error : { message: '' }
    t.notMatch(message, /hunter2/, 'no password')
    t.notMatch(message, '\n', 'one line')
  }
}

async function expectWorks(t: Test, url: string): Promise<void> {
  const database = await openServerDatabase({ url, poolSize: 1 })
  t.equal(await database.run((prisma) => prisma.user.count()), 0, url)
  await database.close()
}

t.test('a database that cannot be used is named with its cause at start', { skip: cannotRunPostgres }, async (t) => {
  const cluster = await startPostgres(t)
  await prepare(cluster)
  const { port } = cluster
  const at = (user: string, host = `127.0.0.1:${port}`, rest = '/people') => `postgresql://${user}@${host}${rest}`

  await t.test('host, port and silence', async (t) => {
    const closed = await tcpServer(t, (socket) => socket.destroy())
    const silent = await tcpServer(t, () => undefined)
    await expectRefused(t, at(`ada:${encoded}`, 'no-such-host.invalid'), /^DATABASE_URL: .*no-such-host\.invalid/)
    await expectRefused(t, at(`ada:${encoded}`, '127.0.0.1:1'), /^DATABASE_URL: 127\.0\.0\.1:1 refuses connections/)
    await expectRefused(t, at(`ada:${encoded}`, `127.0.0.1:${closed}`), /closes the connection without a word/)
    await expectRefused(t, at(`ada:${encoded}`, `127.0.0.1:${silent}`), /does not answer/)
    await expectRefused(
      t,
      `postgresql:///people?host=/tmp/none`,
      /the socket \/tmp\/none\/\.s\.PGSQL\.5432 does not exist/
    )
  })

  await t.test('password, role, database and connections', async (t) => {
    await expectRefused(t, at('ada:hunter2'), /refuses the password of the role "ada"/)
    await expectRefused(t, at('ada'), /asks for a password of the role "ada"/)
    await expectRefused(t, at('ghost'), /has no role "ghost"/)
    await expectRefused(t, at('full_up'), /has no free connection: "too many connections for role "full_up""/)
    await expectRefused(t, at('postgres', undefined, '/nowhere'), /has no database "nowhere"/)
    await expectRefused(t, at('stranger'), /answers "no pg_hba.conf entry|does not accept this without TLS/)
    await cluster.sql('CREATE SCHEMA closed')
    const closed = at(`ada:${encoded}`, undefined, '/postgres?schema=closed')
    await expectRefused(t, closed, /the role "ada" may not .* "permission denied for schema closed".* MIGRATE=off/)
  })

  await t.test('passwords, schemas and sockets that are written in any way work', async (t) => {
    await expectWorks(t, at(`ada:${encoded}`))
    await expectWorks(t, at(`ada:${password.replace('/', '%2F').replace('?', '%3F')}`))
    await expectWorks(t, at(`ada:${encoded}`, undefined, '/people?schema=My%20Schema'))
    const [row] = await cluster.sql('SHOW unix_socket_directories')
    const folder = String(Object.values(row ?? {})[0])
    await expectWorks(t, `postgresql://ada@/people?host=${folder}&port=${port}&schema=socket`)
  })

  await t.test('TLS', async (t) => {
    await expectRefused(t, at('postgres', undefined, '/people?sslmode=require'), /offers no TLS: .* sslmode=disable/)
    const authority = join(await testFolder(t), 'authority.pem')
    await expectRefused(
      t,
      at('postgres', undefined, `/people?sslrootcert=${authority}`),
      /file of sslrootcert, .* cannot be read \(ENOENT\)/
    )
    await writeFile(authority, await turnOnTls(cluster))
    await expectRefused(t, at('tls'), /does not accept this without TLS: .* Try sslmode=verify-full/)
    for (const mode of ['prefer', 'require', 'verify-ca', 'verify-full']) {
      await expectRefused(t, at('tls', undefined, `/people?sslmode=${mode}`), /is not trusted .* sslrootcert=/)
    }
    const trusting = `sslmode=verify-full&sslrootcert=${authority}`
    await expectRefused(
      t,
      at('tls', undefined, `/people?${trusting}`),
      /the certificate of 127\.0\.0\.1:\d+ is for another name/
    )
    for (const rest of [
      `127.0.0.1:${port}/people?sslmode=no-verify`,
      `127.0.0.1:${port}/people?uselibpqcompat=true&sslmode=require`,
      `127.0.0.1:${port}/people?uselibpqcompat=true&sslmode=verify-ca&sslrootcert=${authority}`,
      `localhost:${port}/people?${trusting}`
    ]) {
      await expectWorks(t, `postgresql://postgres@${rest}&schema=tls`)
    }
  })

  await t.test('a pooler is quoted', { skip: cannotRunPgbouncer }, async (t) => {
    const pooler = new URL(await startPgbouncer(t, cluster))
    await expectRefused(t, pooler.href, /answers "unsupported startup parameter: \w*_timeout"/)
    pooler.username = 'nobody'
    await expectRefused(t, pooler.href, /^DATABASE_URL: 127\.0\.0\.1:\d+ (answers|refuses)/)
    await expectRefused(t, pooler.href, /^DATABASE_URL/, at('postgres'))
  })

  await t.test('the process prints the one line, and ends with 1', async (t) => {
    const settings = { ...quickSettings, DATA_DIR: await testFolder(t), DATABASE_URL: at('ada:hunter2') }
    for (const words of [['serve'], ['migrate']]) {
      t.strictSame(await latchkey(words, settings), {
        code: 1,
        signal: null,
        stdout: '',
        stderr: `DATABASE_URL: 127.0.0.1:${port} refuses the password of the role "ada".\n`
      })
    }
  })
})
