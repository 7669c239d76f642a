import type { Browser, Page } from 'playwright-core'
import t from 'tap'
import { ask, signInAt } from '../support/browser/ask.js'
import { fileTimeoutMilliseconds, openBrowser, openProfile } from '../support/browser/chromium.js'
import { openOtherSite, setCookieAt } from '../support/browser/other-site.js'
import { openTestDatabase } from '../support/database.js'
import { newEmail, newPerson, refreshCookie, sessionCookie } from '../support/http/people.js'
import { openService } from '../support/service.js'

t.setTimeout(fileTimeoutMilliseconds)
const browser = await openBrowser(t)
if (browser !== undefined) await testCookies(browser)

async function testCookies(browser: Browser): Promise<void> {
  const database = await openTestDatabase(t, { kind: 'embedded' })
  const app = await openService(t, database)
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  const victims = `http://auth.localhost:${port}`
  const development = await openService(t, database, { COOKIE_SECURE: 'false' })
  const { port: developmentPort } = new URL(await development.listen({ host: '127.0.0.1', port: 0 }))
  const otherPort = await openOtherSite(t)
  const siblings = `http://evil.auth.localhost:${otherPort}`

  const refresh = (page: Page) => ask(page, 'POST', '/refresh')
  const ambiguous = { status: 400, body: { code: 'ambiguous_credentials' } }
  const missing = { status: 401, body: { code: 'missing_credentials' } }

  /** The forms in which a browser can hold a second cookie of the name, and the host that can set each. */
  const forms = [
    { service: app, host: 'auth.localhost', from: 'auth.localhost', form: 'Path=/; Secure; Partitioned' },
    {
      service: development,
      host: 'auth.localhost',
      from: 'evil.auth.localhost',
      form: 'Path=/; Domain=auth.localhost'
    },
    {
      service: development,
      host: 'auth.localhost',
      from: 'evil.auth.localhost',
      form: 'Path=/refresh; Domain=auth.localhost'
    },
    { service: development, host: 'auth.localhost', from: 'auth.localhost', form: 'Path=/; Secure; Partitioned' },
    { service: development, host: 'localhost', from: 'localhost', form: 'Path=/refresh; Domain=localhost' }
  ]
  for (const { service, host, from, form } of forms) {
    const name = service === app ? refreshCookie : 'refresh_token'
    t.test(`a browser at ${host} with a second ${name} (${form}) can refresh, sign in and sign out`, async (t) => {
      const { client: attacker } = await newPerson(service)
      const profile = await openProfile(t, browser)
      const page = await profile.newPage()
      const origin = `http://${host}:${service === app ? port : developmentPort}`
      const plant = async (value = 'tossed') => {
        await setCookieAt(page, `http://${from}:${otherPort}`, `${name}=${value}; ${form}`)
        await page.goto(`${origin}/healthz`)
      }

      await page.goto(`${origin}/healthz`)
      const email = newEmail()
      const sid = await signInAt(page, origin, { email })
      await plant()
      t.match(await refresh(page), ambiguous)
      t.match(await refresh(page), { status: 200, body: { session_id: sid } }, 'the second cookie is gone')

      await plant(attacker.cookies.get(name))
      t.match(await refresh(page), ambiguous)
      t.match(await refresh(page), missing, 'two genuine cookies are both gone')

      // A login and a logout do not receive cookies of the path /refresh.
      const isSentToAll = !form.includes('/refresh')
      await plant()
      const second = await signInAt(page, origin, { email, path: '/login' })
      if (!isSentToAll) t.match(await refresh(page), ambiguous)
      t.match(await refresh(page), { status: 200, body: { session_id: second } }, 'after a login')

      if (isSentToAll) await plant()
      t.equal((await ask(page, 'POST', '/logout')).status, 204)
      t.match(await refresh(page), missing, 'after a logout')
    })
  }

  t.test('a sibling host cannot fix a session with a cookie whose name begins with the byte 0xA0', async (t) => {
    const { client: attacker } = await newPerson(app, 'session')
    const profile = await openProfile(t, browser)
    const page = await profile.newPage()
    const tossed = `\u00a0${sessionCookie}=${attacker.cookies.get(sessionCookie)}; Domain=auth.localhost; Path=/`
    await setCookieAt(page, siblings, tossed)
    await page.goto(`${victims}/healthz`)
    const cookieHeaders: (string | undefined)[] = []
    app.server.on('request', ({ headers }) => cookieHeaders.push(headers.cookie))
    t.match(await ask(page, 'GET', '/me'), { status: 401, body: { code: 'missing_credentials' } })
    t.match(cookieHeaders.at(-1), `\u00a0${sessionCookie}=`, 'the browser sends it')

    const email = newEmail()
    await signInAt(page, victims, { email, mode: 'session' })
    t.match(await ask(page, 'GET', '/me'), { status: 200, body: { email } })
  })
}
