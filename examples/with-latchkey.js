// Runs a command beside a Latchkey of its own: `node with-latchkey.js COMMAND …`. The command finds the ISSUER, an
// ACCESS_TOKEN of somebody who has just registered, and the SERVICE_SECRET of the credential `example` in its
// environment. Its exit code is passed on. LATCHKEY_OPTIONS may hold further options, as JSON. Latchkey is in this
// process, so nothing is left behind if that is killed.
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
const app = Fastify({ pluginTimeout: 60_000 })
try {
  const options = JSON.parse(process.env.LATCHKEY_OPTIONS ?? '{}')
  await app.register(latchkey, { dataDir, issuer, serviceCredentials: [`example:${serviceSecret}`], ...options })
  await app.listen({ port })
  const env = { ISSUER: issuer, ACCESS_TOKEN: await register(), SERVICE_SECRET: serviceSecret }
  const running = spawn(command, args, { stdio: 'inherit', timeout: 60_000, env: { ...process.env, ...env } })
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
  if (!response.ok) throw new Error(`Nobody could register: ${await response.text()}`)
  return (await response.json()).access_token
}

/** The issuer's address is in the tokens, so the port must be known before anything listens. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
