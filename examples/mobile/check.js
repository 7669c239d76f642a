import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startApp } from './phone.js'

const { ISSUER: issuer, ACCESS_TOKEN: tokenOfAnotherDevice } = process.env
const graceSeconds = 1
const folder = await mkdtemp(join(tmpdir(), 'latchkey-phone-'))
const start = (fetch) => startApp({ issuer, folder, fetch })

try {
  const first = start()
  assert.equal(await first.getAccessToken(), undefined)
  await first.login({ email: 'you@example.com', password: 'correct horse battery staple', device: 'phone' })
  const { sessionId } = first.state

  const restarted = start()
  assert.equal((await restarted.fetch('/me')).status, 200)
  assert.equal(restarted.state.sessionId, sessionId)

  // In a tunnel: Latchkey serves the refresh and rotates the token, but the response is lost.
  await delay(graceSeconds * 1000)
  const inTunnel = start(async (...request) => {
    await fetch(...request)
    throw new TypeError('The connection was lost.')
  })
  await assert.rejects(inTunnel.refresh(), { code: 'network_error', isTemporary: true })

  // Long after it, the phone sends the old token. This Latchkey has no recovery, so only the idempotency key proves the sender.
  await delay(graceSeconds * 1000)
  const outOfTunnel = start()
  assert.equal((await outOfTunnel.fetch('/me')).status, 200)
  assert.equal(outOfTunnel.state.sessionId, sessionId)

  const headers = { authorization: `Bearer ${tokenOfAnotherDevice}` }
  assert.equal((await fetch(`${issuer}/sessions/${sessionId}`, { method: 'DELETE', headers })).status, 204)
  assert.equal((await outOfTunnel.fetch('/me')).status, 401)
  assert.deepEqual(outOfTunnel.state, { status: 'signed_out', reason: 'revoked_by_user' })
  // Only the device token stays. It proves that this phone has signed in before.
  const endingsIn = async (place) => (await readdir(join(folder, place))).map((name) => name.split('.').at(-1))
  assert.deepEqual(await endingsIn('app'), ['device_token'])
  assert.deepEqual(await endingsIn('keychain'), [])
  console.log(
    'The example works: the phone stays signed in after a restart and a lost response, and learns why its session ended.'
  )
} finally {
  await rm(folder, { recursive: true })
}
