import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { Device, password } from './device.js'
import { freshDatabase, patienceMilliseconds, startService } from './process.js'
import { blockWith, freePort, moduleOf, readmeBlocks } from './readme.js'

t.setTimeout(patienceMilliseconds)

t.test('what a page and another service do', async (t) => {
  const port = await freePort()
  const blocks = await readmeBlocks(port)
  const secret = 'a-service-secret-of-32-characters'
  const settings = { PORT: String(port), SERVICE_CREDENTIALS: `reports:${secret}` }
  const { url } = await startService(t, { ...(await freshDatabase(t, 'embedded')), ...settings })
  const device = new Device(url)
  await device.signIn('/register', 'ada@example.com')

  t.test('a page logs in, and its callers share one refresh', async (t) => {
    const file = pathToFileURL(await moduleOf(t, blockWith(blocks, 'localStorage').code))
    interface Page {
      login(email: string, password: string): Promise<void>
      api(path: string): Promise<Response>
    }
    const requests = beBrowser(t, `http://localhost:${port}`)

    const page: Page = await import(file.href)
    await page.login('ada@example.com', password)
    t.equal((await page.api('/me')).status, 200)
    t.strictSame(requests.splice(0), ['/login', '/me'])

    const reloaded: Page = await import(`${file.href}?reloaded`)
    const answers = await Promise.all(Array.from({ length: 5 }, () => reloaded.api('/me')))
    t.strictSame(
      answers.map(({ status }) => status),
      [200, 200, 200, 200, 200]
    )
    t.strictSame(requests.splice(0), ['/refresh', '/me', '/me', '/me', '/me', '/me'])

    await device.send('DELETE', '/sessions')
    await t.rejects(reloaded.api('/me'), { message: 'session_ended' }, 'a session that was ended is over')
  })

  t.test('another service verifies an access token', async (t) => {
    const file = await moduleOf(t, blockWith(blocks, 'jwtVerify').code)
    const service: { verify(accessToken: string): Promise<unknown> } = await import(pathToFileURL(file).href)
    t.match(await service.verify(device.accessToken), { sid: device.sessionId, roles: [] })
    await t.rejects(service.verify(device.accessToken.slice(0, -4)), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' })
  })

  t.test('another service is guarded, and told that a session has ended', async (t) => {
    const servicePort = await freePort()
    const { code } = blockWith(blocks, "from 'latchkey/verifier'")
    const moved = code
      .replace("'latchkey/verifier'", `'${ours('verifier/index.js')}'`)
      .replace('8081', `${servicePort}`)
    if (!(await listens(t, moved, { LATCHKEY_SECRET: secret }))) return t.fail('the service ended')

    const reader = new Device(url)
    await reader.signIn('/login', 'ada@example.com')
    const service = Object.assign(new Device(`http://localhost:${servicePort}`), { accessToken: reader.accessToken })
    t.match(await service.send('GET', '/reports'), { status: 200, body: { for: String } })
    t.equal((await new Device(service.url).send('GET', '/reports')).status, 401)
    t.equal((await reader.send('POST', '/logout')).status, 204)
    for (let i = 0; i < 1000 && (await service.send('GET', '/reports')).status === 200; i += 1) await delay(5)
    t.match(await service.send('GET', '/reports'), { status: 401, body: { code: 'session_revoked' } })
  })
})

t.test('an app with the plugin', async (t) => {
  const port = await freePort()
  const { code } = blockWith(await readmeBlocks(port), "from 'latchkey'")
  // Fastify gives up on a plugin after ten seconds, which a machine that is busy with other tests can exceed.
  const patient = code
    .replace('Fastify()', 'Fastify({ pluginTimeout: 90_000 })')
    .replace("'latchkey'", `'${ours('index.js')}'`)
  if (!(await listens(t, patient))) return t.fail('the app ended')

  const device = new Device(`http://localhost:${port}`)
  t.equal((await device.send('GET', '/reports')).status, 401)
  t.equal((await device.signIn('/auth/register', 'ada@example.com')).status, 201)
  t.match(await device.send('GET', '/reports'), { status: 200, body: { for: String } })
  t.equal((await device.send('GET', '/ops')).status, 403)
})

/** Where a module of ours is, compiled. */
const ours = (path: string) => new URL(`../../src/${path}`, import.meta.url).href

/** Runs such code as a process, until `t` ends; whether it has come to its end and goes on. */
async function listens(t: Test, code: string, env: Record<string, string> = {}): Promise<boolean> {
  const file = await moduleOf(t, `${code}console.log('listens')\n`)
  const app = spawn(process.execPath, [file], {
    cwd: join(file, '..'),
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env }
  })
  const ended = new Promise((resolve) => app.once('close', resolve))
  t.teardown(async () => {
    app.kill('SIGKILL')
    await ended
  })
  const said = new Promise((resolve) => app.stdout.once('data', resolve))
  return Promise.race([said.then(() => true), ended.then(() => false)])
}

/** Gives this process the parts of a browser that the page uses; the list of paths that are asked grows. */
function beBrowser(t: Test, origin: string): string[] {
  const requests: string[] = []
  const cookies = new Map<string, string>()
  const kept = new Map<string, string>()
  const { fetch } = globalThis
  t.teardown(() => Object.assign(globalThis, { fetch }))
  Object.assign(globalThis, {
    localStorage: {
      setItem: (name: string, value: string) => kept.set(name, value),
      getItem: (name: string) => kept.get(name) ?? null
    },
    async fetch(path: string, init: RequestInit) {
      // The page asks for paths of its own origin; the rest is this test's.
      if (!path.startsWith('/')) return fetch(path, init)
      requests.push(path)
      const headers = new Headers(init.headers)
      headers.set('origin', origin)
      if (init.credentials === 'include') headers.set('cookie', [...cookies].map((pair) => pair.join('=')).join('; '))
      const response = await fetch(origin + path, { ...init, headers })
      for (const cookie of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
        cookies.set(name, value)
      }
      return response
    }
  })
  return requests
}
