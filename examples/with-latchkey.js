// Starts Latchkey, runs a command, and exits with its exit code: `node with-latchkey.js COMMAND …`. The command's
// environment has ISSUER, the ACCESS_TOKEN of a new user, and the SERVICE_SECRET of the credential `example`.
// LATCHKEY_OPTIONS may hold further options as JSON. Latchkey runs in this process, so it ends with this process.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify from 'fastify'
import latchkey from 'latchkey'

const [command, ...args] = process.argv.slice(2)
const port = await freePort()
const issuer = `http://127.0.0.1:${port}`
const serviceSecret = 'a secret for the examples alone!'.replaceAll(' ', '-')
const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-example-'))
const app = Fastify()
try {
  const options = JSON.parse(process.env.LATCHKEY_OPTIONS ?? '{}')
  await app.register(latchkey, { dataDir, issuer, serviceCredentials: [`example:${serviceSecret}`], ...options })
  await app.listen({ port })
  const env = { ISSUER: issuer, ACCESS_TOKEN: await register(), SERVICE_SECRET: serviceSecret }
  const running = spawn(command, args, { stdio: 'inherit', timeout: 120_000, env: { ...process.env, ...env } })
  const [code] = await once(running, 'close')
  process.exitCode = code ?? 1
} finally {
  await app.close()
  await rm(dataDir, { recursive: true })
}

async function register() {
  const response = await fetch(`${issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'you@example.com', password: 'correct horse battery staple', mode: 'body' })
  })
  if (!response.ok) throw new Error(`Registering failed: ${await response.text()}`)
  return (await response.json()).access_token
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
