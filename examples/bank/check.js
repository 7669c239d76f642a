import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createAuthClient } from 'latchkey/client'
import { buildBank } from './bank.js'

const person = { email: 'you@example.com', password: 'correct horse battery staple' }
const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-bank-'))
const port = await freePort()
const base = `http://127.0.0.1:${port}`
const bank = await buildBank({ dataDir, issuer: `${base}/auth` })

try {
  await bank.listen({ port })
  const settings = { baseURL: `${base}/auth`, mode: 'access' }
  const auth = createAuthClient(settings)
  const signedOut = new Promise((resolve) =>
    auth.onChange(({ status, reason }) => status === 'signed_out' && resolve(reason))
  )
  const transfer = () => auth.fetch('/transfers', { method: 'POST' })

  await auth.register(person)
  assert.equal((await auth.fetch('/balance')).status, 200)
  assert.equal((await transfer()).status, 201)
  assert.equal((await createAuthClient(settings).fetch('/balance')).status, 401)

  await delay(6000)
  assert.equal((await (await transfer()).json()).code, 'insufficient_user_authentication')
  assert.equal((await auth.fetch('/balance')).status, 200)

  // When the token has expired, the client reports it, and nothing renews it.
  assert.equal(await signedOut, 'token_expired')
  assert.equal((await auth.fetch('/balance')).status, 401)
  await assert.rejects(auth.refresh(), { code: 'missing_credentials' })

  await auth.login(person)
  assert.equal((await transfer()).status, 201)
  await auth.logout()
  assert.equal((await auth.fetch('/balance')).status, 401)

  const other = { ...person, mode: 'cookie' }
  const answer = await fetch(`${base}/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(other)
  })
  assert.equal((await answer.json()).code, 'mode_not_allowed')
  console.log('The example works: a login gives one short token, and a transfer needs a recent login.')
} finally {
  await bank.close()
  await rm(dataDir, { recursive: true })
}

/** The tokens contain the issuer's address, so the port must be known before Latchkey listens. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
