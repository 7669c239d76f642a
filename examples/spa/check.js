import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { chromium } from 'playwright-core'
import { build, preview } from 'vite'

const { ISSUER: issuer, PAGE_PORT: port } = process.env
const root = import.meta.dirname

const readme = await readFile(`${root}/../../README.md`, 'utf8')
for (const file of ['index.html', 'page.js']) {
  assert.ok(readme.includes(await readFile(`${root}/${file}`, 'utf8')), `The README has ${file} word for word`)
}

await build({ root, logLevel: 'warn' })
const server = await preview({ root, preview: { host: '127.0.0.1', port: Number(port), strictPort: true } })
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
try {
  const context = await browser.newContext()
  const openTab = async () => {
    const tab = await context.newPage()
    await tab.goto(`http://127.0.0.1:${port}/`)
    return tab
  }
  const shows = (tab, text) => tab.locator('output', { hasText: text }).waitFor()

  const tab = await openTab()
  await shows(tab, 'nobody is signed in')
  await tab.locator('[name=email]').fill('you@example.com')
  await tab.locator('[name=password]').fill('a wrong password')
  await tab.getByText('Sign in').click()
  await shows(tab, 'E-mail or password is wrong')
  await tab.locator('[name=password]').fill('correct horse battery staple')
  await tab.getByText('Sign in').click()
  await shows(tab, 'you@example.com')

  await tab.reload()
  await shows(tab, 'you@example.com')
  const other = await openTab()
  await shows(other, 'you@example.com')

  const readable = await tab.evaluate(() => document.cookie + JSON.stringify(localStorage))
  assert.doesNotMatch(readable, /lk_rt_|eyJ/, 'no token is where a script could read it later')
  const cookies = (await context.cookies(issuer)).filter(({ name }) => name.startsWith('__Host-refresh_token'))
  assert.deepEqual(
    cookies.map(({ httpOnly, secure, sameSite }) => ({ httpOnly, secure, sameSite })),
    [{ httpOnly: true, secure: true, sameSite: 'Strict' }]
  )

  await other.getByText('Sign out').click()
  await shows(other, 'logged_out')
  await shows(tab, 'logged_out')
  await tab.reload()
  await shows(tab, 'nobody is signed in')
  console.log('The example works: signed in after a reload and in a second tab, and signed out in both.')
} finally {
  await browser.close()
  await server.close()
}
