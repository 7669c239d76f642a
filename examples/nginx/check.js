import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const { ISSUER: issuer, ACCESS_TOKEN: accessToken } = process.env
const [nginxPort, verifyPort, apiPort] = await freePorts(3)
const folder = await mkdtemp(join(tmpdir(), 'latchkey-nginx-'))
const children = []

// The API answers with the headers that it got from nginx.
const api = createServer(({ headers }, response) => {
  response.end(JSON.stringify({ for: headers['x-user-id'], roles: headers['x-roles'] }))
})

function start(command, args, env = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } })
  children.push(child)
  return child
}

async function call(path, headers = {}, method = 'GET', base = `http://127.0.0.1:${nginxPort}`) {
  const response = await fetch(base + path, { method, headers })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text }
}

async function until(isSo) {
  for (const end = performance.now() + 10_000; !(await isSo().catch(() => false)); await delay(5))
    assert.ok(performance.now() < end, 'in time')
}

try {
  api.listen(apiPort, '127.0.0.1')
  const ports = { 8080: nginxPort, 8081: verifyPort, 8082: apiPort, 3000: new URL(issuer).port }
  const conf = await readFile('nginx.conf', 'utf8')
  await writeFile(
    join(folder, 'nginx.conf'),
    conf.replace(/127\.0\.0\.1:(\d+)/g, (_, port) => `127.0.0.1:${ports[port]}`)
  )
  const guard = start(process.execPath, ['verify.js'], { PORT: verifyPort })
  await Promise.race([once(guard.stdout, 'data'), once(guard, 'exit')])
  start('/usr/sbin/nginx', ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'])
  const bearer = { authorization: `Bearer ${accessToken}` }
  await until(async () => (await call('/reports', bearer)).status === 200)

  const me = JSON.parse((await call('/me', bearer, 'GET', issuer)).text)
  const spoofed = await call('/reports', { ...bearer, 'x-user-id': 'somebody else', 'x-roles': 'admin' })
  assert.deepEqual(JSON.parse(spoofed.text), { for: me.id }, 'only nginx sets the user')

  assert.equal((await call('/reports', bearer, 'POST')).status, 200, 'any method')

  const anonymous = await call('/reports')
  assert.equal(anonymous.status, 401)
  assert.equal(anonymous.headers.get('www-authenticate'), 'Bearer')
  const forged = await call('/reports', { authorization: `Bearer ${accessToken.slice(0, -4)}AAAA` })
  assert.equal(forged.status, 401)
  assert.match(forged.headers.get('www-authenticate'), /error="invalid_token"/)
  for (const path of ['/verify', '/me', '/unavailable']) assert.equal((await call(path, bearer)).status, 404, path)

  const cookie = await registerInSessionMode()
  assert.equal((await call('/pages')).status, 401)
  assert.equal((await call('/pages', { cookie })).status, 200)
  assert.equal((await call('/logout', { cookie, origin: issuer }, 'POST', issuer)).status, 204)
  assert.equal((await call('/pages', { cookie })).status, 401)

  assert.equal((await call(`/sessions/${me.session_id}`, bearer, 'DELETE', issuer)).status, 204)
  const endedAt = performance.now()
  await until(async () => (await call('/reports', bearer)).status === 401)
  const took = performance.now() - endedAt
  assert.ok(took < 1000)

  guard.kill()
  await once(guard, 'close')
  const cut = await call('/reports', bearer)
  assert.equal(cut.status, 503, 'without the guard, every request is refused')
  assert.equal(cut.headers.get('retry-after'), '2')
  console.log(`The example works: nginx refused the session ${Math.round(took)} ms after its end.`)
} finally {
  for (const child of children) child.kill()
  api.close()
  await rm(folder, { recursive: true })
}

async function registerInSessionMode() {
  const response = await fetch(`${issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'other@example.com', password: 'correct horse battery staple', mode: 'session' })
  })
  assert.equal(response.status, 201)
  const cookies = response.headers.getSetCookie().map((text) => text.split(';', 1)[0])
  return cookies.join('; ')
}

async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => server.address().port)
  for (const server of servers) server.close()
  return ports
}
