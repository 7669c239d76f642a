import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildApp } from './app.js'

const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-example-'))
const app = await buildApp(dataDir)
const base = await app.listen({ port: 0 })

async function call(method: string, path: string, accessToken?: string, body?: object) {
  const response = await fetch(base + path, {
    method,
    headers: {
      ...(accessToken !== undefined && { authorization: `Bearer ${accessToken}` }),
      ...(body !== undefined && { 'content-type': 'application/json' })
    },
    ...(body !== undefined && { body: JSON.stringify(body) })
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
}

async function signIn(path: 'register' | 'login', email: string): Promise<string> {
  const { body } = await call('POST', `/auth/${path}`, undefined, {
    email,
    password: 'correct horse battery staple',
    mode: 'body'
  })
  return body.access_token
}

try {
  assert.equal((await call('GET', '/notes')).body.code, 'missing_credentials')

  const person = await signIn('register', 'you@example.com')
  assert.equal((await call('POST', '/notes', person, { text: 'buy milk' })).status, 201)
  assert.deepEqual((await call('GET', '/notes', person)).body, { notes: ['buy milk'] })
  const other = await signIn('register', 'other@example.com')
  assert.deepEqual((await call('GET', '/notes', other)).body, { notes: [] })

  const me = (await call('GET', '/auth/me', person)).body
  assert.equal((await call('DELETE', `/people/${me.id}/sessions`, other)).body.code, 'insufficient_scope')
  const ops = await signIn('login', 'ops@example.com')
  assert.deepEqual((await call('DELETE', `/people/${me.id}/sessions`, ops)).body, { ended: 1 })
  assert.equal((await call('GET', '/notes', person)).body.code, 'session_revoked')
  console.log('The example works: notes are private, and an ended session is refused at once.')
} finally {
  await app.close()
  await rm(dataDir, { recursive: true })
}
