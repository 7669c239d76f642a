import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { signedInAs } from 'latchkey/testing'
import pg from 'pg'
import { buildApp } from './app.js'

const password = 'correct horse battery staple'
const server = process.env.DATABASE_URL ?? ''
const database = `example_${randomUUID().replaceAll('-', '')}`
const url = new URL(server)
url.pathname = `/${database}`

await runSql(server, `CREATE DATABASE ${database}`)
try {
  await migrate()
  await play()
  console.log('The example works: two schemas in one database, and the notes of a deleted user are removed.')
} finally {
  await runSql(server, `DROP DATABASE ${database} WITH (FORCE)`)
}

/** Does what `npx prisma migrate deploy` does, but without downloading its engine. */
async function migrate() {
  for (const entry of await readdir('prisma/migrations', { withFileTypes: true })) {
    if (!entry.isDirectory()) continue
    await runSql(url.href, await readFile(`prisma/migrations/${entry.name}/migration.sql`, 'utf8'))
  }
}

async function play() {
  const { app, removeDeleted } = await buildApp(url.href, randomUUID())
  try {
    const base = await app.listen({ port: 0 })
    const call = (method: string, path: string, accessToken: string, body?: object) =>
      ask(method, base + path, accessToken, body)
    const register = async (email: string): Promise<string> =>
      (await call('POST', '/auth/register', '', { email, password, mode: 'body' })).body.access_token

    const [ada, bob] = [await register('ada@example.com'), await register('bob@example.com')]
    assert.equal((await call('POST', '/notes', ada, { text: 'buy milk' })).status, 201)
    assert.equal((await call('POST', '/notes', bob, { text: 'call Ada' })).status, 201)
    assert.equal((await call('GET', '/notes', ada)).body.notes[0].text, 'buy milk')
    assert.equal(await removeDeleted(), 0)

    // For tests: a real account without a registration, beside the rows of the app's own Prisma.
    const { headers, userId } = await signedInAs(app)
    const payload = { text: 'sign in without a password' }
    assert.equal((await app.inject({ method: 'POST', url: '/notes', headers, payload })).statusCode, 201)
    assert.equal(await removeDeleted(), 0)
    await app.latchkey.users.delete(userId)
    assert.equal(await removeDeleted(), 1)

    assert.equal((await call('DELETE', '/auth/me', ada, { password })).status, 204)
    assert.equal((await call('GET', '/notes', ada)).status, 401)
    assert.equal(await removeDeleted(), 1)
    assert.deepEqual(await runSql(url.href, 'SELECT "text" FROM public."note"'), [{ text: 'call Ada' }])
    assert.equal((await call('GET', '/notes', bob)).body.notes.length, 1)

    const tables = `SELECT schemaname, count(*)::int AS tables FROM pg_tables WHERE tablename = 'user' GROUP BY 1 ORDER BY 1`
    assert.deepEqual(await runSql(url.href, tables), [
      { schemaname: 'latchkey', tables: 1 },
      { schemaname: 'public', tables: 1 }
    ])
  } finally {
    await app.close()
  }
}

async function ask(method: string, address: string, accessToken: string, body?: object) {
  const response = await fetch(address, {
    method,
    headers: {
      ...(accessToken !== '' && { authorization: `Bearer ${accessToken}` }),
      ...(body !== undefined && { 'content-type': 'application/json' })
    },
    ...(body !== undefined && { body: JSON.stringify(body) })
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
}

async function runSql(address: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: address })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}
