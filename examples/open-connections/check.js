import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { freeAddress } from '../free-address.js'
import { buildApp } from './app.js'

const person = { email: 'you@example.com', password: 'correct horse battery staple' }
const secret = 'a-secret-for-this-example-alone!'
const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-connections-'))
const [base, service] = [await freeAddress(), await freeAddress()]
const app = await buildApp({ base, dataDir, service, serviceCredentials: [`example:${secret}`] })
const other = spawn(process.execPath, [`${import.meta.dirname}/service.js`], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { ...process.env, ISSUER: `${base}/auth`, APP_ORIGIN: base, PORT: portOf(service), SERVICE_SECRET: secret }
})
const otherClosed = once(other, 'close')
let browser

try {
  await app.listen({ port: portOf(base) })
  await Promise.race([once(other.stdout, 'data'), otherClosed.then(() => assert.fail('The service ended.'))])
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
  const phone = await register()

  const page = await browser.newPage()
  await page.goto(base)
  await page.locator('[name=email]').fill(person.email)
  await page.locator('[name=password]').fill(person.password)
  await page.getByText('Sign in').click()

  const connections = [base, service].flatMap((origin) => [`${origin} socket`, `${origin} events`])
  const shows = (connection, text) => page.locator('li', { hasText: `${connection}: ${text}` }).first()
  for (const connection of connections) await shows(connection, 'hello ').waitFor()

  // A socket outlives its first token: the page sends it each newer one.
  await page.getByText('Renew').click()
  for (const connection of connections.filter((name) => name.endsWith('socket'))) {
    await shows(connection, 'renewed').waitFor()
  }

  const ended = await fetch(`${base}/auth/sessions`, { method: 'DELETE', headers: phone })
  assert.deepEqual(await ended.json(), { revoked: 1 })
  const endedAt = Date.now()
  const times = []
  for (const connection of connections) {
    const closed = shows(connection, 'closed, revoked_by_user')
    await closed.waitFor()
    times.push(Number(await closed.getAttribute('data-at')) - endedAt)
  }
  assert.ok(Math.max(...times) < 1000, `closed after ${times.join(', ')} ms`)
  await page.getByText('signed_out revoked_by_user').waitFor()
  assert.equal(await page.locator('li', { hasText: 'closed' }).count(), 4, 'none had closed before')
  console.log(`The example works: all four connections closed within ${Math.max(0, ...times)} ms of the end.`)
} finally {
  await browser?.close()
  other.kill()
  await otherClosed
  await app.close()
  await rm(dataDir, { recursive: true })
}

/** Registers the person on another device. Returns the headers of its requests. */
async function register() {
  const response = await fetch(`${base}/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...person, mode: 'body' })
  })
  const { access_token: token } = await response.json()
  return { authorization: `Bearer ${token}` }
}

function portOf(address) {
  return new URL(address).port
}
