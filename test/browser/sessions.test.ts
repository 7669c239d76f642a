// One file with one browser and one service, because a browser starts slowly. Tests what browsers keep of a session, and
// which requests they and the service refuse.
import type { Browser, BrowserContext, Page } from 'playwright-core'
import t from 'tap'
import { ask, signInAt } from '../support/browser/ask.js'
import { fileTimeoutMilliseconds, openBrowser, openProfile } from '../support/browser/chromium.js'
import { clientSays, loadClient } from '../support/browser/client-in-page.js'
import { openOtherSite } from '../support/browser/other-site.js'
import { age, openTestDatabase, sql } from '../support/database.js'
import { anotherDevice, newEmail, newPerson, refreshCookie } from '../support/http/people.js'
import { Client, goodPassword, openService } from '../support/service.js'

t.setTimeout(fileTimeoutMilliseconds)
const browser = await openBrowser(t)
if (browser !== undefined) await testSessions(browser)

async function testSessions(browser: Browser): Promise<void> {
  const database = await openTestDatabase(t, { kind: 'embedded' })
  const appPort = await openOtherSite(t)
  const strangerPort = await openOtherSite(t)
  const app = await openService(t, database, { ALLOWED_ORIGINS: `http://localhost:${appPort}` })
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  const origin = `http://localhost:${port}`
  /** A document of the service's origin that runs no scripts. */
  const inert = `${origin}/healthz`

  /** Registers a new user in the page, or signs one in, and returns the session's id. */
  const signIn = (page: Page, email = newEmail(), path = '/register') => signInAt(page, origin, { email, path })

  const generationOf = async (sid: string) =>
    (await sql<{ generation: number }>(database, 'SELECT generation::int FROM session WHERE id = $1::uuid', sid))[0]
      ?.generation

  const cookiesOf = async (profile: BrowserContext) =>
    (await profile.cookies(origin)).filter(({ name }) => name === refreshCookie)

  const openTabs = (profile: BrowserContext, count: number, url = inert) =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const tab = await profile.newPage()
        await tab.goto(url)
        return tab
      })
    )

  t.test('the cookie has its attributes, and scripts cannot read it', async (t) => {
    const profile = await openProfile(t, browser)
    const page = await profile.newPage()
    await page.goto(inert)
    await signIn(page)
    const cookies = await profile.cookies()
    t.strictSame(cookies.map(({ name }) => name).sort(), ['__Host-device', '__Host-refresh_token'])
    for (const cookie of cookies) {
      t.match(cookie, { httpOnly: true, secure: true, sameSite: 'Strict', path: '/', domain: 'localhost' }, cookie.name)
    }
    t.equal(await page.evaluate('document.cookie'), '')
  })

  t.test('ten tabs that refresh concurrently end with one cookie, and nobody is signed out', async (t) => {
    const profile = await openProfile(t, browser)
    const tabs = await openTabs(profile, 10)
    const [first] = tabs
    if (first === undefined) return t.fail('no tab')
    const sid = await signIn(first)

    for (const round of [1, 2, 3]) {
      const before = await cookiesOf(profile)
      const answers = await Promise.all(tabs.map((tab) => ask(tab, 'POST', '/refresh')))
      t.strictSame(
        answers.map(({ status, body }) => [status, body.session_id]),
        tabs.map(() => [200, sid])
      )
      t.equal(await generationOf(sid), round, 'rotated once')
      const after = await cookiesOf(profile)
      t.equal(after.length, 1)
      t.not(after[0]?.value, before[0]?.value)
      await age(database, sid, 60)
    }
    const tokens = await Promise.all(tabs.map(async (tab) => (await ask(tab, 'POST', '/refresh')).body.access_token))
    for (const [index, tab] of tabs.entries()) {
      t.equal((await ask(tab, 'GET', '/me', undefined, tokens[index])).status, 200)
    }
  })

  t.test('ten tabs of latchkey/client that refresh concurrently stay signed in', async (t) => {
    const profile = await openProfile(t, browser)
    const tabs = await openTabs(profile, 10)
    const [first, ...others] = tabs
    if (first === undefined) return t.fail('no tab')
    await Promise.all(tabs.map((tab) => loadClient(tab, {})))
    const credentials = JSON.stringify({ email: newEmail(), password: goodPassword })
    await clientSays(first, `await client.register(${credentials})`)
    const { sessionId: sid } = (await first.evaluate('client.state')) as { sessionId: string }

    for (const round of [1, 2]) {
      const said = await Promise.all(tabs.map((tab) => clientSays(tab, 'await client.refresh()')))
      t.match(
        said,
        tabs.map(() => ({ state: { status: 'signed_in', sessionId: sid } }))
      )
      t.equal(await generationOf(sid), round, 'rotated once')
      await age(database, sid, 60)
    }
    for (const tab of tabs) t.match(await clientSays(tab, `(await client.fetch('/me')).status`), { value: 200 })

    await clientSays(first, 'await client.logout()')
    for (const tab of others) {
      await tab.waitForFunction('client.state.status === "signed_out"')
      t.match(await clientSays(tab, 'client.state.reason'), { value: 'logged_out' })
    }
  })

  t.test('offline nobody is signed out, and everything continues when online again', async (t) => {
    const profile = await openProfile(t, browser)
    const page = await profile.newPage()
    await page.goto(inert)
    const sid = await signIn(page)
    await loadClient(page, {})
    t.match(await clientSays(page, 'await client.refresh()'), { state: { status: 'signed_in' } })
    await profile.setOffline(true)
    t.match(await clientSays(page, 'await client.refresh()'), {
      code: 'network_error',
      state: { status: 'signed_in', sessionId: sid }
    })
    await profile.setOffline(false)
    await age(database, sid, 3600)
    t.match(await clientSays(page, 'await client.refresh()'), { state: { status: 'signed_in', sessionId: sid } })
    t.match(await clientSays(page, `(await client.fetch('/me')).status`), { value: 200 })
  })

  t.test('a reload and a page from the back-forward cache continue where they were', async (t) => {
    const { email } = await newPerson(app, 'body', 'a phone')
    const profile = await openProfile(t, browser)
    const page = await profile.newPage()
    await page.goto(inert)
    const sid = await signIn(page, email, '/login')
    // The page must reload its data because it was restored, not because of its timer.
    await page.addInitScript('globalThis.setInterval = () => 0')
    await page.goto(`${origin}/account`)
    await page.getByText('a phone').waitFor()
    await age(database, sid, 3600)
    await page.reload()
    await page.getByText('a phone').waitFor()
    await page.reload()
    await page.getByText('a phone').waitFor()

    await page.evaluate(
      `addEventListener('pageshow', ({ persisted }) => { document.title = 'persisted: ' + persisted })`
    )
    await page.goto(inert)
    await anotherDevice(app, { email }, 'body', 'a new phone')
    await page.evaluate('history.back()')
    await page.getByText('a new phone').waitFor()
    t.equal(await page.title(), 'persisted: true')

    await page.goto(inert)
    await app.latchkey.sessions.endSession(sid)
    await page.evaluate('history.back()')
    await page.getByText('You were signed out by an administrator.').waitFor()
  })

  t.test('an allowed app on another port has the session, and a page of another origin does not', async (t) => {
    const profile = await openProfile(t, browser)
    const page = await profile.newPage()
    await page.goto(`http://localhost:${appPort}/`)
    await loadClient(page, { baseURL: origin })
    const credentials = JSON.stringify({ email: newEmail(), password: goodPassword })
    t.match(await clientSays(page, `await client.register(${credentials})`), { state: { status: 'signed_in' } })
    const { sessionId: sid } = (await page.evaluate('client.state')) as { sessionId: string }
    t.match(await clientSays(page, `(await client.fetch('/me')).status`), { value: 200 })
    t.match(await clientSays(page, '(await client.sessions()).length'), { value: 1 })
    await page.reload()
    await loadClient(page, { baseURL: origin })
    t.match(await clientSays(page, 'await client.refresh()'), { state: { status: 'signed_in', sessionId: sid } })
    const generation = await generationOf(sid)
    await age(database, sid, 60)

    // It is the same site, so the browser sends the cookie, and the service must refuse.
    await page.goto(`http://localhost:${strangerPort}/`)
    await loadClient(page, { baseURL: origin })
    t.match(await clientSays(page, 'await client.refresh()'), { code: 'network_error' })
    t.match(await clientSays(page, `await client.login(${credentials})`), { code: 'network_error' })
    t.equal(await generationOf(sid), generation)
    const sameUser = 'SELECT 1 FROM session WHERE user_id = (SELECT user_id FROM session WHERE id = $1::uuid)'
    t.equal((await sql(database, sameUser, sid)).length, 1, 'no session was created')
  })

  t.test("forms and fetches from another origin's page are refused", async (t) => {
    const profile = await openProfile(t, browser)
    const page = await profile.newPage()
    await page.goto(inert)
    const sid = await signIn(page)
    const generation = await generationOf(sid)

    for (const site of ['same-site', 'cross-site']) {
      const foreign = `http://${site === 'same-site' ? 'localhost' : '127.0.0.1'}:${strangerPort}/`
      for (const path of ['/refresh', '/logout']) {
        const send = { fetch: sendByFetch, form: sendByForm }
        for (const [how, sendFrom] of Object.entries(send)) {
          await page.goto(foreign)
          const arrived = nextArrival(path)
          await sendFrom(page, origin + path)
          const { status, cookie } = await arrived
          // A sibling host is the same site, so its requests carry the cookie. Another site's requests do not.
          t.equal(cookie !== undefined, site === 'same-site', `${site} ${how} ${path} and the cookie`)
          const refused = how === 'form' ? 415 : cookie === undefined ? { '/refresh': 401, '/logout': 204 }[path] : 403
          t.equal(status, refused, `${site} ${how} ${path}`)
        }
      }
    }
    t.equal(await generationOf(sid), generation)
    await page.goto(inert)
    t.match(await ask(page, 'POST', '/refresh'), { status: 200, body: { session_id: sid } })
  })

  /** The next POST that the service receives at `path`, and its response. */
  function nextArrival(path: string): Promise<{ readonly status: number; readonly cookie: string | undefined }> {
    return new Promise((resolve) => {
      app.server.on('request', function listener(request, response) {
        if (request.method !== 'POST' || request.url !== path) return
        app.server.off('request', listener)
        response.on('finish', () => resolve({ status: response.statusCode, cookie: request.headers.cookie }))
      })
    })
  }

  /** Sends a request without reading its response, so the browser sends no preflight. */
  const sendByFetch = (page: Page, url: string): Promise<void> =>
    page.evaluate(
      (url) =>
        fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include' }).then(
          () => undefined,
          () => undefined
        ),
      url
    )

  const sendByForm = (page: Page, url: string): Promise<void> =>
    page
      .setContent(`<form method="post" enctype="text/plain" action="${url}"><button name="{}">Win</button></form>`)
      .then(() => page.getByRole('button').click())

  t.test('a cookie tossed from a sibling host gives no access', async (t) => {
    const profile = await openProfile(t, browser)
    const page = await profile.newPage()
    const attacker = await newPerson(app)
    const tossed = attacker.client.cookies.get(refreshCookie)
    const victims = `http://auth.localhost:${port}`
    await page.goto(`${victims}/healthz`)
    const { body } = await ask(page, 'POST', '/register', { email: newEmail(), password: goodPassword })

    await page.goto(`http://evil.auth.localhost:${strangerPort}/`)
    for (const domain of ['', '; Domain=auth.localhost']) {
      await page.evaluate(`document.cookie = '${refreshCookie}=${tossed}; Secure; Path=/${domain}'`)
    }
    t.strictSame(
      (await profile.cookies(victims)).filter(({ name }) => name === refreshCookie).map(({ domain }) => domain),
      ['auth.localhost'],
      'the browser sends it only to the host that set it'
    )
    await page.goto(`${victims}/healthz`)
    t.match(await ask(page, 'POST', '/refresh'), { status: 200, body: { session_id: body.session_id } })
  })

  t.test('a cookie from before the login is useless after it', async (t) => {
    const attacker = await newPerson(app, 'body')
    const profile = await openProfile(t, browser)
    const page = await profile.newPage()
    await page.goto(inert)
    const plantedSid = await signIn(page, attacker.email, '/login')
    const [planted] = await cookiesOf(profile)

    const sid = await signIn(page)
    t.not(sid, plantedSid)
    const [fresh, ...more] = await cookiesOf(profile)
    t.equal(more.length, 0)
    t.not(fresh?.value, planted?.value)
    t.match(await ask(page, 'POST', '/refresh'), { status: 200, body: { session_id: sid } })
    const replay = new Client(app)
    replay.cookies.set(refreshCookie, planted?.value ?? '')
    t.match((await replay.send('POST', '/refresh')).json(), { code: 'session_ended', reason: 'replaced' })
  })
}
