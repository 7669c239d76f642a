import type { Browser } from 'playwright-core'
import t from 'tap'
import { ask, signInAt } from '../support/browser/ask.js'
import { fileTimeoutMilliseconds, openBrowser, openProfile } from '../support/browser/chromium.js'
import { openOtherSite, setCookieAt } from '../support/browser/other-site.js'
import { openTestDatabase } from '../support/database.js'
import { newEmail, newPerson, sessionCookie } from '../support/http/people.js'
import { openService } from '../support/service.js'

t.setTimeout(fileTimeoutMilliseconds)
const browser = await openBrowser(t)
if (browser !== undefined) await testCookies(browser)

async function testCookies(browser: Browser): Promise<void> {
  const database = await openTestDatabase(t, { kind: 'embedded' })
  const app = await openService(t, database)
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  const victims = `http://auth.localhost:${port}`
  const siblings = `http://evil.auth.localhost:${await openOtherSite(t)}`

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
