import { execFileSync } from 'node:child_process'
import { open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  diskReserveBytes,
  type EmbeddedOptions,
  openEmbeddedDatabase
} from '../../../src/adapters/embedded/embedded-database.js'
import { sql, testFolder } from '../../support/database.js'
import { until } from '../../support/faults/crowd.js'
import { Client, openService } from '../../support/service.js'

t.setTimeout(600_000)

const skip = (process.platform !== 'linux' || process.getuid?.() !== 0) && 'needs root on Linux, to mount a small disk'
/** Without the reserve, PostgreSQL itself meets the full disk. */
const unreserved = { reserveBytes: 0 }
const megabyte = 2 ** 20

t.test(
  '14: with less room than the reserve every request is answered 503, and PostgreSQL never meets a full disk',
  { skip },
  async (t) => {
    const { disk, app, acknowledged, expectNothingLost } = await serviceOnSmallDisk(t)
    await fill(disk, diskReserveBytes - megabyte)
    const response = await logInUntilRefused(app, acknowledged)
    t.equal(response.statusCode, 503)
    t.match(response.headers['retry-after'], /^[1-9]\d*$/)
    await until(async () => (await app.inject('/readyz')).statusCode === 503)
    t.equal((await app.inject('/healthz')).statusCode, 200)
    await expectNothingLost()
  }
)

t.test('14: if a table cannot grow, requests are answered 503', { skip }, async (t) => {
  const { disk, app, acknowledged, expectNothingLost } = await serviceOnSmallDisk(t, unreserved)
  await fill(disk, 0)
  const response = await logInUntilRefused(app, acknowledged)
  t.equal(response.statusCode, 503)
  t.match(response.headers['retry-after'], /^[1-9]\d*$/)
  await expectNothingLost()
})

t.test(
  '14: if the log cannot grow, which stops PostgreSQL, requests are answered 503 until it is open again',
  { skip },
  async (t) => {
    const { disk, app, database, client, expectNothingLost } = await serviceOnSmallDisk(t, unreserved)
    // Grows no table, only the log, until its preallocated files are used up.
    const log = () => sql(database, `SELECT pg_logical_emit_message(true, 'filler', repeat('x', 100000))::text`)
    await fill(disk, 0)
    t.match(await thrownBy(log), { name: 'Unavailable' })
    t.equal((await app.inject('/healthz')).statusCode, 200, 'the service does not hang')
    await until(async () => (await app.inject('/readyz')).statusCode === 503)
    const refused = await refresh(client)
    t.equal(refused.statusCode, 503)
    t.match(refused.headers['retry-after'], /^[1-9]\d*$/)
    await expectNothingLost()
  }
)

async function serviceOnSmallDisk(t: Test, options: Partial<EmbeddedOptions> = {}) {
  const disk = await smallDisk(t)
  const database = await openEmbeddedDatabase({ dataDir: join(disk, 'data'), ...options })
  t.teardown(() => database.close())
  const app = await openService(t, database, { REFRESH_GRACE_SECONDS: '0' })
  const client = new Client(app)
  await client.signIn('ada@example.com', { mode: 'body' })
  const acknowledged: string[] = [client.sessionId]

  async function expectNothingLost(): Promise<void> {
    await rm(join(disk, 'filler'))
    await until(async () => (await app.inject('/readyz')).statusCode === 200)
    await until(async () => (await logIn(app)).statusCode === 200)
    t.equal((await refresh(client)).statusCode, 200, 'nobody is signed out')
    const kept = await sql<{ id: string }>(database, 'SELECT id::text FROM session')
    const ids = new Set(kept.map(({ id }) => id))
    t.strictSame(
      acknowledged.filter((id) => !ids.has(id)),
      [],
      `${acknowledged.length} acknowledged logins, none is lost`
    )
  }
  return { disk, app, database, client, acknowledged, expectNothingLost }
}

const logIn = (app: Client['app']) => new Client(app).signIn('ada@example.com', { path: '/login', mode: 'body' })

const refresh = (client: Client) => client.send('POST', '/refresh', { payload: { refresh_token: client.refreshToken } })

async function logInUntilRefused(app: Client['app'], acknowledged: string[]) {
  for (let tries = 0; tries < 2000; tries += 1) {
    const response = await logIn(app)
    if (response.statusCode !== 200) return response
    acknowledged.push(response.json().session_id)
  }
  throw new Error('The disk is not full.')
}

/** Repeats `action` until it throws, and returns the error. */
async function thrownBy(action: () => Promise<unknown>): Promise<unknown> {
  try {
    for (let done = 0; done < 2000; done += 1) await action()
  } catch (error) {
    return error
  }
  throw new Error('The disk is not full.')
}

async function smallDisk(t: Test): Promise<string> {
  const folder = await testFolder(t)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'tmpfs', folder])
  t.teardown(() => execFileSync('umount', ['--lazy', folder]))
  return folder
}

/** Fills the disk until `left` bytes are free. */
async function fill(disk: string, left: number): Promise<void> {
  const file = await open(join(disk, 'filler'), 'w')
  const free = async () => {
    const { bavail, bsize } = await statfs(disk)
    return bavail * bsize
  }
  try {
    for (const size of [megabyte, 4096]) {
      const block = Buffer.alloc(size)
      while ((await free()) >= left + size) await file.write(block)
    }
  } finally {
    await file.close()
  }
}
