// Runs in a process of its own: it gives the process the globals of a page.
import { execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { Device, password } from '../support/processes/device.js'
import { freshDatabase, processTestMilliseconds, startService, v8Flags } from '../support/processes/process.js'
import { type Block, blocksOf, blockWith, freePort, moduleOf } from '../support/processes/readme.js'

t.setTimeout(processTestMilliseconds)

t.test('the examples for pages and other services', async (t) => {
  const port = await freePort()
  const blocks = await blocksOf('README.md', port)
  const [serviceCredentials, secret] = await credentialsByReadme(t, blocks)
  const settings = {
    PORT: String(port),
    ALLOWED_ORIGINS: 'http://localhost:5173',
    SERVICE_CREDENTIALS: serviceCredentials
  }
  const { url } = await startService(t, { ...(await freshDatabase(t, 'embedded')), ...settings })
  const device = new Device(url)
  await device.signIn('/register', 'ada@example.com')

  t.test('a page signs in, is signed in after a reload, and learns why its session ended', async (t) => {
    const file = pathToFileURL(await moduleOf(t, fromBuild(blockWith(blocks, 'document.forms').code)))
    const page = simulateBrowser(t, 'http://localhost:5173')
    await import(file.href)
    await page.shows('nobody is signed in')
    page.submit('ada@example.com', password)
    await page.shows('ada@example.com')

    const reloaded = simulateBrowser(t, 'http://localhost:5173', page)
    await import(`${file.href}?reloaded`)
    await reloaded.shows('ada@example.com')
    t.strictSame(reloaded.requests, ['/refresh', '/me'])

    await device.send('DELETE', '/sessions')
    await import(`${file.href}?again`)
    await reloaded.shows('revoked_by_user')
  })

  t.test('a phone is signed in after a restart', async (t) => {
    const code = blockWith(blocks, 'writeFile').code.replace('a rather long password', password)
    const file = await moduleOf(t, fromBuild(code))
    const run = async () => (await promisify(execFile)(process.execPath, [file], { cwd: join(file, '..') })).stdout
    const first = await run()
    t.match(first, "email: 'ada@example.com'")
    t.equal(await run(), first, 'the same session')
  })

  t.test('another service verifies an access token', async (t) => {
    const file = await moduleOf(t, blockWith(await blocksOf('docs/verifier.md', port), 'jwtVerify').code)
    const service: { verify(accessToken: string): Promise<unknown> } = await import(pathToFileURL(file).href)
    t.match(await service.verify(device.accessToken), { sid: device.sessionId, roles: [] })
    await t.rejects(service.verify(device.accessToken.slice(0, -4)), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' })
  })

  t.test('another service guards its routes, and learns that a session has ended', async (t) => {
    const servicePort = await freePort()
    const { code } = blockWith(blocks, "from 'latchkey/verifier'")
    const onFreePort = code
      .replace("'latchkey/verifier'", `'${ours('verifier/index.js')}'`)
      .replace('8081', `${servicePort}`)
    if (!(await listens(t, onFreePort, { LATCHKEY_SECRET: secret }))) return t.fail('the service ended')

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

for (const page of ['README.md', 'docs/plugin.md'])
  t.test(`the app with the plugin in ${page} guards its routes`, async (t) => {
    const port = await freePort()
    const { code } = blockWith(await blocksOf(page, port), "get('/ops'")
    if (!(await listens(t, code.replace("'latchkey'", `'${ours('index.js')}'`)))) return t.fail('the app ended')

    const device = new Device(`http://localhost:${port}`)
    t.equal((await device.send('GET', '/reports')).status, 401)
    t.equal((await device.signIn('/auth/register', 'ada@example.com')).status, 201)
    t.match(await device.send('GET', '/reports'), { status: 200, body: { for: String } })
    t.equal((await device.send('GET', '/ops')).status, 403)
  })

/** Runs the commands that start Latchkey and the other service. Returns the credential that each of them gets. */
async function credentialsByReadme(t: Test, blocks: readonly Block[]): Promise<[service: string, verifier: string]> {
  const start = blockWith(blocks, 'SERVICE_CREDENTIALS=').code
  const startOther = blockWith(blocks, 'LATCHKEY_SECRET=').code
  const stubs = 'npm() { echo "$SERVICE_CREDENTIALS"; }\nnode() { echo "$LATCHKEY_SECRET"; }\n'
  const run = promisify(execFile)('bash', ['--norc', '-euo', 'pipefail', '-c', stubs + start + startOther], {
    cwd: t.testdir()
  })
  const [service = '', verifier = ''] = (await run).stdout.split('\n')
  t.equal(service, `reports:${verifier}`)
  return [service, verifier]
}

/** The URL of one of our compiled modules. */
const ours = (path: string) => new URL(`../../src/${path}`, import.meta.url).href

/** Runs the code as a process until `t` ends. True if all of the code ran and the process is alive. */
async function listens(t: Test, code: string, env: Record<string, string> = {}): Promise<boolean> {
  const file = await moduleOf(t, `${code}console.log('listens')\n`)
  const app = spawn(process.execPath, [...v8Flags, file], {
    cwd: join(file, '..'),
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env }
  })
  const ended = new Promise((resolve) => app.once('close', resolve))
  t.teardown(async () => {
    app.kill('SIGKILL')
    await ended
  })
  const printed = new Promise((resolve) => app.stdout.once('data', resolve))
  return Promise.race([printed.then(() => true), ended.then(() => false)])
}

/** The code, with our package replaced by the one compiled for this test. */
function fromBuild(code: string): string {
  return code.replace("'latchkey/client'", `'${ours('client/index.js')}'`)
}

interface Page {
  readonly cookies: Map<string, string>
  readonly kept: Map<string, string>
  /** The paths of all requests. */
  readonly requests: string[]
  submit(email: string, password: string): void
  /** Resolves when the page shows `text`. */
  shows(text: string): Promise<void>
}

/** Gives this process the browser APIs that the page uses, with the cookies and storage of `before`. */
function simulateBrowser(t: Test, origin: string, before?: Page): Page {
  const cookies = before?.cookies ?? new Map<string, string>()
  const kept = before?.kept ?? new Map<string, string>()
  const requests: string[] = []
  const shown = { textContent: '', append: (text: string) => t.fail(text) }
  const fields = { email: { value: '' }, password: { value: '' }, leave: {}, shown }
  let submit = (_: { preventDefault(): void }) => {}
  const addEventListener = (_: 'submit', listener: typeof submit) => {
    submit = listener
  }
  const form = { ...fields, addEventListener }
  const { fetch, BroadcastChannel } = globalThis
  t.teardown(() => Object.assign(globalThis, { fetch, BroadcastChannel, document: undefined }))
  Object.assign(globalThis, {
    document: { forms: [form] },
    location: { href: `${origin}/` },
    BroadcastChannel: undefined,
    localStorage: {
      setItem: (name: string, value: string) => kept.set(name, value),
      getItem: (name: string) => kept.get(name) ?? null,
      removeItem: (name: string) => kept.delete(name)
    },
    async fetch(input: string | Request, init?: RequestInit) {
      const request = new Request(input, init)
      requests.push(new URL(request.url).pathname)
      request.headers.set('origin', origin)
      if (request.credentials === 'include') {
        request.headers.set('cookie', [...cookies].map((pair) => pair.join('=')).join('; '))
      }
      const response = await fetch(request)
      for (const cookie of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
        cookies.set(name, value)
      }
      return response
    }
  })
  if (!('navigator' in globalThis)) Object.assign(globalThis, { navigator: {} })
  return {
    cookies,
    kept,
    requests,
    submit(email, password) {
      form.email.value = email
      form.password.value = password
      submit({ preventDefault() {} })
    },
    async shows(text) {
      while (shown.textContent !== text) await delay(10)
      t.pass(`the page shows: ${text}`)
    }
  }
}
