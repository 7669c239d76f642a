import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import pg from 'pg'
import { buildApp } from './app.js'

const ada = { name: 'ada', password: 'correct horse battery staple' }
const server = process.env.DATABASE_URL ?? ''
const database = `example_${randomUUID().replaceAll('-', '')}`
const url = new URL(server)
url.pathname = `/${database}`

await runSql(server, `CREATE DATABASE ${database}`)
try {
  await migrate()
  await play()
  console.log('The example works: the people of the app sign in with its passwords, and Latchkey has their sessions.')
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
  const { app, prisma } = await buildApp(url.href, randomUUID())
  const call = async (method: 'GET' | 'POST', path: string, payload?: object, token = '') => {
    const headers = token === '' ? {} : { authorization: `Bearer ${token}` }
    const response = await app.inject({ method, url: path, headers, ...(payload && { payload }) })
    return { status: response.statusCode, body: response.body === '' ? undefined : response.json() }
  }
  try {
    assert.equal((await call('POST', '/people', ada)).status, 201)
    assert.equal((await call('POST', '/sign-in', { ...ada, password: 'a guess' })).status, 401)
    assert.equal((await call('POST', '/sign-in', { ...ada, name: 'nobody' })).status, 401)

    const { body: first } = await call('POST', '/sign-in', ada)
    const { body: hello } = await call('GET', '/hello', undefined, first.access_token)
    assert.deepEqual(hello.roles, [])

    // The app makes her an editor. The next sign-in says so, and it is a re-authentication, because she is signed in.
    await prisma.person.update({ where: { name: ada.name }, data: { isEditor: true } })
    const { body: second } = await call('POST', '/sign-in', ada, first.access_token)
    assert.deepEqual((await call('GET', '/hello', undefined, second.access_token)).body, {
      id: hello.id,
      roles: ['editor']
    })
    assert.equal((await call('GET', '/hello', undefined, first.access_token)).status, 401)
    const { body: refreshed } = await call('POST', '/auth/refresh', { refresh_token: second.refresh_token })
    assert.ok(refreshed.access_token)

    const known = await runSql(url.href, 'SELECT external_id, email FROM latchkey."user"')
    const person = await prisma.person.findUniqueOrThrow({ where: { name: ada.name } })
    assert.deepEqual(known, [{ external_id: person.id, email: '' }])
    assert.equal((await call('POST', '/auth/login', ada)).status, 404)
  } finally {
    await app.close()
  }
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
