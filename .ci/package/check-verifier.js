// Starts verify.mjs in the folder LONE, where latchkey is the only package, and ends a session at the ISSUER.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

const { LONE: cwd, ISSUER: issuer, ACCESS_TOKEN: accessToken } = process.env
const authorization = `Bearer ${accessToken}`
const port = await freePort()
const server = spawn(process.execPath, ['verify.mjs'], {
  cwd,
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { ...process.env, PORT: port }
})
const ask = async (headers) => (await fetch(`http://127.0.0.1:${port}`, { headers })).status
try {
  await Promise.race([once(server.stdout, 'data'), once(server, 'exit')])
  assert.equal(await ask({}), 401)
  assert.equal(await ask({ authorization }), 204)
  const ended = await fetch(`${issuer}/logout`, { method: 'POST', headers: { authorization } })
  assert.equal(ended.status, 204)
  const endedAt = performance.now()
  while ((await ask({ authorization })) === 204) {
    assert.ok(performance.now() - endedAt < 5000, 'it learns of the end')
    await delay(5)
  }
  assert.equal(await ask({ authorization }), 401)
  console.log('createVerifier in a bare node:http server, with no other package: works.')
} finally {
  server.kill()
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  return port
}
