// One file with one browser and one service, because a browser starts slowly. Tests `latchkey/client` in pages.
import type { Browser } from 'playwright-core'
import t from 'tap'
import { fileTimeoutMilliseconds, openBlockingProfile, openBrowser, openProfile } from '../support/browser/chromium.js'
import { clientSays, loadClient } from '../support/browser/client-in-page.js'
import { age, openTestDatabase } from '../support/database.js'
import { anotherDevice, newEmail, refreshCookie } from '../support/http/people.js'
import { goodPassword, openService } from '../support/service.js'

t.setTimeout(fileTimeoutMilliseconds)
const browser = await openBrowser(t)
if (browser !== undefined) await testClient(browser)

async function testClient(browser: Browser): Promise<void> {
  const database = await openTestDatabase(t, { kind: 'embedded' })
  const app = await openService(t, database)
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  const origin = `http://localhost:${port}`
  /** A document of the service's origin that runs no scripts. */
  const inert = `${origin}/healthz`
  const newPerson = () => ({ email: newEmail(), password: goodPassword })
  const json = JSON.stringify

  t.test('a browser that blocks the data of sites can sign in and use the session', async (t) => {
    const page = await (await openBlockingProfile(t)).newPage()
    await page.goto(inert)
    const { name } = (await page.evaluate('(() => { try { return localStorage } catch (e) { return e } })()')) as Error
    t.equal(name, 'SecurityError', 'the browser blocks indeed')

    await loadClient(page, { mode: 'body' })
    t.match(await clientSays(page, `await client.register(${json(newPerson())})`), { state: { status: 'signed_in' } })
    t.match(await clientSays(page, 'await client.refresh()'), { state: { status: 'signed_in' } })
    t.match(await clientSays(page, `(await client.fetch('/me')).status`), { value: 200 })

    await loadClient(page, {})
    t.match(await clientSays(page, `await client.register(${json(newPerson())})`), { state: { status: 'signed_in' } })
    t.match(await clientSays(page, `(await client.fetch('/me')).status`), { value: 200 })
    t.match(await clientSays(page, 'await client.refresh()'), {
      code: 'missing_credentials',
      state: { status: 'signed_out', reason: 'missing_credentials' }
    })
  })

  t.test('a new password keeps all tabs signed in while they refresh, and ends the other devices', async (t) => {
    const profile = await openProfile(t, browser)
    const tabs = await Promise.all(Array.from({ length: 4 }, () => profile.newPage()))
    for (const tab of tabs) {
      await tab.goto(inert)
      await loadClient(tab, {})
    }
    const [first] = tabs
    if (first === undefined) return t.fail('no tab')
    const person = newPerson()
    await clientSays(first, `await client.register(${json(person)})`)
    const { client: phone } = await anotherDevice(app, person)
    const { sessionId: before } = (await first.evaluate('client.state')) as { sessionId: string }
    await age(database, before, 60)

    const change = { currentPassword: goodPassword, newPassword: 'another good password' }
    const said = await Promise.all(
      tabs.map((tab) =>
        clientSays(tab, tab === first ? `await client.changePassword(${json(change)})` : 'await client.refresh()')
      )
    )
    t.match(
      said,
      tabs.map(() => ({ state: { status: 'signed_in' } }))
    )
    t.equal((await phone.send('GET', '/me')).statusCode, 401)
    const { sessionId: after } = (await first.evaluate('client.state')) as { sessionId: string }
    t.not(after, before)
    for (const tab of tabs) {
      t.match(await clientSays(tab, `(await client.fetch('/me')).status`), { value: 200 })
      t.match(await clientSays(tab, 'await client.refresh()'), { state: { status: 'signed_in', sessionId: after } })
    }
  })

  t.test('a closed client still refreshes, and sends nothing to other tabs', async (t) => {
    const profile = await openProfile(t, browser)
    const page = await profile.newPage()
    await page.goto(inert)
    await loadClient(page, {})
    await clientSays(page, `await client.register(${json(newPerson())})`)
    await page.evaluate('client.close()')
    t.match(await clientSays(page, 'await client.refresh()'), { code: undefined, state: { status: 'signed_in' } })
    t.match(await clientSays(page, `(await client.fetch('/me')).status`), { value: 200 })
  })

  t.test('a refresh with the cookie of a replaced session is repeated with the new cookie', async (t) => {
    const profile = await openProfile(t, browser)
    const page = await profile.newPage()
    await page.goto(inert)
    await loadClient(page, {})
    const person = newPerson()
    await clientSays(page, `await client.register(${json(person)})`)
    const sessionCookies = async () => (await profile.cookies(origin)).filter(({ name }) => name === refreshCookie)
    const old = await sessionCookies()
    // Another page of the site, which shares nothing with this client, signs in.
    await page.evaluate(`fetch('/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: ${json(json(person))}
    })`)
    const replacing = await sessionCookies()
    t.notSame(replacing, old)

    // The cookie of that login arrives only after the first answer.
    await profile.addCookies(old)
    const answers: number[] = []
    page.on('response', (response) => response.url().endsWith('/refresh') && answers.push(response.status()))
    await page.route('**/refresh', async (route) => {
      if (answers.length > 0) await profile.addCookies(replacing)
      await route.continue()
    })
    t.match(await clientSays(page, 'await client.refresh()'), { state: { status: 'signed_in' } })
    t.strictSame(answers, [401, 200])
    t.match(await clientSays(page, `(await client.fetch('/me')).status`), { value: 200 })
  })
}
