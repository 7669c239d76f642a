import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openTestDatabase } from '../../support/database.js'
import { newEmail } from '../../support/http/people.js'
import { freePort } from '../../support/processes/readme.js'
import { goodPassword, openService } from '../../support/service.js'
import { waitUntil } from '../../support/verifier/verifiers.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const nginx = '/usr/sbin/nginx'
const metadataPath = '/.well-known/oauth-authorization-server/auth'
const changePasswordPath = '/.well-known/change-password'

/** The service behind a proxy that removes `/auth`. Returns the address of the proxy. */
async function openBehind(t: Test, startProxy: (t: Test, port: number, target: string) => Promise<void>) {
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const app = await openService(t, database, { ISSUER: `${origin}/auth`, COOKIE_SECURE: 'false' })
  await startProxy(t, port, await app.listen({ host: '127.0.0.1', port: 0 }))
  return origin
}

/** Removes `/auth` from the path. Of other paths it passes on only those that belong at the root. */
async function nodeProxy(t: Test, port: number, target: string): Promise<void> {
  const { port: targetPort } = new URL(target)
  const proxy = createServer((request, response) => {
    const isOfRoot = request.url === metadataPath || request.url === changePasswordPath
    const path = isOfRoot ? request.url : /^\/auth(\/.*)$/.exec(request.url ?? '')?.[1]
    if (path === undefined) return response.writeHead(404).end('not for Latchkey')
    const { method, headers } = request
    const forward = (answer: IncomingMessage) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    }
    request.pipe(send({ host: '127.0.0.1', port: targetPort, path, method, headers }, forward))
  })
  await new Promise<void>((resolve) => proxy.listen(port, '127.0.0.1', resolve))
  t.equal((proxy.address() as AddressInfo).port, port)
  t.teardown(() => {
    proxy.close()
    proxy.closeAllConnections()
  })
}

/** The nginx of docs/operations.md. */
async function nginxOfTheDocs(t: Test, port: number, target: string): Promise<void> {
  const page = await readFile(new URL('../../../../docs/operations.md', import.meta.url), 'utf8')
  const snippet = /```nginx\n(.*?)```/s.exec(page)?.[1]?.replaceAll('http://127.0.0.1:3000', target)
  const folder = t.testdir()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path temp;`)
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; pid nginx.pid; error_log stderr; events {}
    http { access_log off; ${temporary.join(' ')} server { listen 127.0.0.1:${port}; ${snippet} } }`
  )
  const child = spawn(nginx, ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], { stdio: 'inherit' })
  const ended = new Promise((resolve) => child.once('close', resolve))
  t.teardown(async () => {
    child.kill()
    await ended
  })
  await waitUntil(
    async () => (await fetch(`http://localhost:${port}/auth/healthz`).catch(() => undefined))?.ok === true
  )
}

/** Every address that the service gives out leads through the proxy to what it names. */
async function everythingIsReachable(t: Test, origin: string): Promise<void> {
  const base = `${origin}/auth`
  const json = async (address: string): Promise<Described> => JSON.parse(await (await fetch(address)).text())
  const statusOf = async (address: string) => (await fetch(address)).status

  const refused = await fetch(`${base}/me`)
  t.equal(refused.status, 401)
  const { type } = (await refused.json()) as { type: string }
  t.equal(type, '/auth/docs/errors.md#missing_credentials')
  t.equal(await statusOf(new URL(type, refused.url).href), 200, 'the type of a problem')

  const metadata = await json(`${origin}${metadataPath}`)
  t.strictSame(metadata, await json(`${base}/.well-known/oauth-authorization-server`))
  t.match(metadata, { issuer: base, jwks_uri: `${base}/.well-known/jwks.json` })
  t.equal(await statusOf(metadata.jwks_uri), 200)
  t.equal(await statusOf(metadata.service_documentation), 200)

  const changePassword = await fetch(`${origin}${changePasswordPath}`, { redirect: 'manual' })
  t.equal(changePassword.headers.get('location'), `${base}/account#password`)

  const specification = await json(`${base}/openapi.json`)
  t.ok('/me' in specification.paths)
  t.equal(await statusOf(`${specification.servers[0].url}/healthz`), 200)

  for (const page of ['account', 'console', 'docs']) {
    const address = `${base}/${page}`
    const text = await (await fetch(address)).text()
    const links = [...text.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, link = '']) => new URL(link, address).href)
    t.ok(links.length > 0)
    for (const link of links) t.equal(await statusOf(link), 200, link)
  }

  const body = JSON.stringify({ email: newEmail(), password: goodPassword })
  const headers = { 'content-type': 'application/json', origin }
  const registered = await fetch(`${base}/register`, { method: 'POST', headers, body })
  t.equal(registered.status, 201)
  const cookie = registered.headers.getSetCookie().map((text) => text.split(';', 1)[0])
  const refresh = (from: string) =>
    fetch(`${base}/refresh`, { method: 'POST', headers: { cookie: cookie.join('; '), origin: from } })
  t.equal((await refresh(origin)).status, 200, 'a page of the same origin')
  t.equal((await refresh('https://evil.example')).status, 403)
}

t.test('behind a proxy that removes a prefix, every address that the service gives out works', async (t) => {
  await everythingIsReachable(t, await openBehind(t, nodeProxy))
})

t.test('the nginx of docs/operations.md removes the prefix, and every address works', async (t) => {
  if (!existsSync(nginx)) return t.pass('what needs nginx', { skip: 'nginx is not installed' })
  await everythingIsReachable(t, await openBehind(t, nginxOfTheDocs))
})

/** The members of the metadata and of the specification that are checked. */
interface Described {
  readonly jwks_uri: string
  readonly service_documentation: string
  readonly paths: object
  readonly servers: readonly [{ readonly url: string }]
}
