import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { signedInAs } from 'latchkey/testing'
import { buildNotes } from './notes.js'

let app
let dataDir

before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'notes-test-'))
  app = await buildNotes({ dataDir })
})

after(async () => {
  await app.close()
  await rm(dataDir, { recursive: true })
})

test('notes are private', async () => {
  const [ada, grace] = [await signedInAs(app), await signedInAs(app)]
  const payload = { text: 'buy milk' }
  const added = await app.inject({ method: 'POST', url: '/notes', headers: ada.headers, payload })
  assert.equal(added.statusCode, 201)
  assert.deepEqual((await app.inject({ url: '/notes', headers: ada.headers })).json(), ['buy milk'])
  assert.deepEqual((await app.inject({ url: '/notes', headers: grace.headers })).json(), [])
  assert.equal((await app.inject('/notes')).statusCode, 401)
})

test('only an admin counts the people', async () => {
  const [ada, grace] = [await signedInAs(app, { roles: ['admin'] }), await signedInAs(app)]
  assert.equal((await app.inject({ url: '/count', headers: ada.headers })).statusCode, 200)
  assert.equal((await app.inject({ url: '/count', headers: grace.headers })).statusCode, 403)
})

test('deleting all notes needs a login of the last five minutes', async () => {
  const now = Math.floor(Date.now() / 1000)
  for (const [authTime, status] of [
    [now - 600, 401],
    [now - 60, 200]
  ]) {
    const { headers } = await signedInAs(app, { authTime })
    assert.equal((await app.inject({ method: 'DELETE', url: '/notes', headers })).statusCode, status)
  }
})

test('a page that is rendered on the server has the cookie of a session', async () => {
  const { headers, accessToken } = await signedInAs(app, { mode: 'session' })
  assert.equal(accessToken, undefined)
  assert.equal((await app.inject({ url: '/notes', headers })).statusCode, 200)
})

test('an ended session reads nothing', async () => {
  const { headers, sessionId } = await signedInAs(app)
  await app.latchkey.sessions.endSession(sessionId)
  assert.equal((await app.inject({ url: '/notes', headers })).json().code, 'session_revoked')
})

test('a machine exports with the scope notes:read', async () => {
  const [reader, writer] = [
    await signedInAs(app, { scopes: ['notes:read'] }),
    await signedInAs(app, { scopes: ['notes:write'] })
  ]
  assert.equal((await app.inject({ url: '/export', headers: reader.headers })).json().for, reader.clientId)
  assert.equal((await app.inject({ url: '/export', headers: writer.headers })).statusCode, 403)
})
