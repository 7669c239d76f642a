import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { buildApp, buildService } from './app.js'

const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-example-'))
const port = await freePort()
const base = `http://127.0.0.1:${port}`
const secret = randomUUID() + randomUUID()
const app = await buildApp(dataDir, `${base}/auth`, secret)
await app.listen(port, '127.0.0.1')
const service = await buildService(`${base}/auth`, secret)
try {
  await service.listen(0, '127.0.0.1')
  const other = await service.getUrl()

  const password = 'correct horse battery staple'
  await signIn('register', { email: 'you@example.com', password })
  const person = await signIn('login', { email: 'you@example.com', password })
  const { id } = (await ask(`${base}/auth/me`, person)).body
  const ops = await signIn('login', { email: 'ops@example.com', password })

  for (const address of [base, other]) {
    assert.equal((await ask(`${address}/public`)).body, 'for everybody')
    const refused = await ask(`${address}/reports`)
    assert.deepEqual([refused.status, refused.body.code], [401, 'missing_credentials'])
    assert.equal((await ask(`${address}/reports`, 'x.y.z')).body.code, 'invalid_token')
    assert.deepEqual((await ask(`${address}/reports`, person)).body, { for: id })
    assert.equal((await ask(`${address}/ops`, person)).status, 403)
    assert.equal((await ask(`${address}/ops`)).status, 401)
    assert.equal((await ask(`${address}/ops`, ops)).body, 'for admins only')
  }

  assert.equal((await ask(`${base}/auth/logout`, person, {})).status, 204)
  assert.equal((await ask(`${base}/reports`, person)).body.code, 'session_revoked')
  const endedAt = performance.now()
  while ((await ask(`${other}/reports`, person)).status === 200) {
    assert.ok(performance.now() - endedAt < 5000, 'the other app learns of the end')
    await delay(5)
  }
  assert.equal((await ask(`${other}/reports`, person)).body.code, 'session_revoked')
  console.log('The example works: the guards of both apps know who is signed in, and refuse an ended session.')
} finally {
  await service.close()
  await app.close()
  await rm(dataDir, { recursive: true })
}

/** The tokens contain the issuer's address, so the port must be known before Latchkey listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  assert.ok(address !== null && typeof address === 'object')
  return address.port
}

async function signIn(path: 'register' | 'login', credentials: object): Promise<string> {
  const { body } = await ask(`${base}/auth/${path}`, undefined, { ...credentials, mode: 'body' })
  return body.access_token
}

async function ask(address: string, accessToken?: string, body?: object) {
  const response = await fetch(address, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(accessToken !== undefined && { authorization: `Bearer ${accessToken}` }),
      ...(body !== undefined && { 'content-type': 'application/json' })
    },
    ...(body !== undefined && { body: JSON.stringify(body) })
  })
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, body: isJson ? JSON.parse(text) : text }
}
