import { execFileSync } from 'node:child_process'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openEmbeddedDatabase } from '../../src/adapters/prisma/embedded-database.js'
import { sql, testFolder, testTemplate } from '../database.js'
import { Client, openService } from '../service.js'
import { until } from './crowd.js'

t.setTimeout(600_000)

const skip = (process.platform !== 'linux' || process.getuid?.() !== 0) && 'needs root on Linux, to mount a small disk'

t.test('14: the disk is full: 503; with room again all goes on unaided', { skip }, async (t) => {
  const disk = await smallDisk(t)
  const database = await openEmbeddedDatabase({ dataDir: join(disk, 'data'), template: await testTemplate() })
  t.teardown(() => database.close())
  const app = await openService(t, database, { REFRESH_GRACE_SECONDS: '0' })
  const client = new Client(app)
  const refresh = () => client.send('POST', '/refresh', { payload: { refresh_token: client.refreshToken } })
  await client.signIn('ada@example.com', { mode: 'body' })
  const told: string[] = [client.sessionId]

  await fill(join(disk, 'filler'))
  const response = await logInUntilRefused(app, told)
  t.equal(response.statusCode, 503)
  t.match(response.headers['retry-after'], /^[1-9]\d*$/)

  await rm(join(disk, 'filler'))
  await until(async () => (await app.inject('/readyz')).statusCode === 200)
  await until(async () => (await logIn(app)).statusCode === 200)
  t.equal((await refresh()).statusCode, 200, 'nobody is signed out')
  const kept = await sql<{ id: string }>(database, 'SELECT id::text FROM session')
  const ids = new Set(kept.map(({ id }) => id))
  t.strictSame(
    told.filter((id) => !ids.has(id)),
    [],
    `${told.length} logins were told of, none is lost`
  )
})

const logIn = (app: Client['app']) => new Client(app).signIn('ada@example.com', { path: '/login', mode: 'body' })

async function logInUntilRefused(app: Client['app'], told: string[]) {
  for (let tries = 0; tries < 2000; tries += 1) {
    const response = await logIn(app)
    if (response.statusCode !== 200) return response
    told.push(response.json().session_id)
  }
  throw new Error('The disk is not full.')
}

async function smallDisk(t: Test): Promise<string> {
  const folder = await testFolder(t)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'tmpfs', folder])
  t.teardown(() => execFileSync('umount', ['--lazy', folder]))
  return folder
}

/** Takes every byte that is left. */
async function fill(path: string): Promise<void> {
  const file = await open(path, 'w')
  try {
    for (const size of [1 << 20, 4096]) {
      const block = Buffer.alloc(size)
      for (let full = false; !full; )
        full = await file.write(block).then(
          ({ bytesWritten }) => bytesWritten < size,
          () => true
        )
    }
  } finally {
    await file.close()
  }
}
