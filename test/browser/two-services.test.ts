import type { Browser, Page } from 'playwright-core'
import t from 'tap'
import { ask, signInAt } from '../support/browser/ask.js'
import { fileTimeoutMilliseconds, openBrowser, openProfile } from '../support/browser/chromium.js'
import { openTestDatabase } from '../support/database.js'
import { newEmail } from '../support/http/people.js'
import { freePort } from '../support/processes/readme.js'
import { openService } from '../support/service.js'

t.setTimeout(fileTimeoutMilliseconds)
const browser = await openBrowser(t)
if (browser !== undefined) await testServices(browser)

/** Two services on two ports of localhost, with one root secret, as two projects with one .env have. */
async function testServices(browser: Browser): Promise<void> {
  const origins: string[] = []
  for (let service = 0; service < 2; service += 1) {
    const port = await freePort()
    const ISSUER = `http://localhost:${port}`
    const app = await openService(t, await openTestDatabase(t, { kind: 'embedded' }), { ISSUER })
    await app.listen({ host: '127.0.0.1', port })
    origins.push(ISSUER)
  }
  const [first = '', second = ''] = origins

  for (const mode of ['cookie', 'session'] as const) {
    t.test(
      `a browser in ${mode} mode is signed in to both, and each login and logout leaves the other alone`,
      async (t) => {
        const profile = await openProfile(t, browser)
        const tabs = new Map<string, Page>()
        for (const origin of origins) {
          const tab = await profile.newPage()
          await tab.goto(`${origin}/healthz`)
          tabs.set(origin, tab)
        }
        const at = (origin: string, method: string, path: string) => {
          const tab = tabs.get(origin)
          if (tab === undefined) throw new Error(`No tab at ${origin}`)
          return { ask: () => ask(tab, method, path), signIn: (options: object) => signInAt(tab, origin, options) }
        }
        const sidAt = async (origin: string) => {
          const [method, path] = mode === 'cookie' ? (['POST', '/refresh'] as const) : (['GET', '/me'] as const)
          return (await at(origin, method, path).ask()).body
        }
        const missing = { code: 'missing_credentials' }

        const email = newEmail()
        const one = await at(first, '', '').signIn({ email, mode })
        t.match(await sidAt(second), missing)
        const other = await at(second, '', '').signIn({ mode })
        t.match(await sidAt(first), { session_id: one })
        t.match(await sidAt(second), { session_id: other })
        t.equal((await at(second, 'POST', '/logout').ask()).status, 204)
        t.match(await sidAt(second), missing)
        t.match(await sidAt(first), { session_id: one })
        const another = await at(second, '', '').signIn({ mode })
        const next = await at(first, '', '').signIn({ email, mode, path: '/login' })
        t.match(await sidAt(second), { session_id: another })
        t.match(await sidAt(first), { session_id: next })
        const names = (await profile.cookies()).map(({ name }) => name)
        t.equal(new Set(names).size, 4, names.join())
      }
    )
  }
}
