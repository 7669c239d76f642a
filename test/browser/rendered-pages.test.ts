import type { FastifyInstance } from 'fastify'
import type { Browser } from 'playwright-core'
import t from 'tap'
import { createServerClient } from '../../src/client/server/create-server-client.js'
import type { ServerClient } from '../../src/client/server/server-client.js'
import { fileTimeoutMilliseconds, openBrowser, openProfile } from '../support/browser/chromium.js'
import { clientSays, loadClient } from '../support/browser/client-in-page.js'
import { openOtherSite } from '../support/browser/other-site.js'
import { impatientRuntime } from '../support/client/site.js'
import { age, openTestDatabase, sql } from '../support/database.js'
import { startRelay } from '../support/faults/relay.js'
import { newEmail } from '../support/http/people.js'
import { freePort } from '../support/processes/readme.js'
import { goodPassword, openService } from '../support/service.js'

/** The site of examples/ssr in Chromium, with a relay before the site and one before Latchkey. */
t.setTimeout(fileTimeoutMilliseconds)
const browser = await openBrowser(t)
if (browser !== undefined) await testSite(browser)

async function testSite(browser: Browser): Promise<void> {
  const database = await openTestDatabase(t, { kind: 'embedded' })
  const issuerPort = await freePort()
  const ISSUER = `http://localhost:${issuerPort}`
  // Every navigation after a second refreshes, and every refresh after a second rotates.
  const short = { ACCESS_TOKEN_TTL_SECONDS: '1', REFRESH_GRACE_SECONDS: '2' }
  const latchkey = await openService(t, database, { ISSUER, ...short })
  await latchkey.listen({ host: '127.0.0.1', port: issuerPort })
  const beforeLatchkey = await startRelay(t, `http://127.0.0.1:${issuerPort}`)

  const sitePort = await freePort()
  const beforeSite = await startRelay(t, `http://localhost:${sitePort}`)
  const origin = new URL(beforeSite.url).origin
  let shift = 0
  const client = createServerClient(
    { baseURL: ISSUER, origin, internalURL: beforeLatchkey.url },
    { ...impatientRuntime, now: () => Date.now() + shift }
  )
  const { buildSite }: { buildSite(latchkey: ServerClient): FastifyInstance } = await import(
    new URL('../../../examples/ssr/site.js', import.meta.url).href
  )
  const site = buildSite(client)
  t.teardown(() => site.close())
  await site.listen({ host: 'localhost', port: sitePort })

  async function signIn(t: Parameters<typeof openProfile>[0]) {
    const profile = await openProfile(t, browser)
    const page = await profile.newPage()
    await page.goto(origin)
    await page.fill('[name=email]', newEmail())
    await page.fill('[name=password]', goodPassword)
    await page.click('text=register')
    await page.waitForSelector('text=signed in')
    return { profile, page }
  }

  t.test('two tabs, 300 navigations, one response in twenty lost on each way: nobody is signed out', async (t) => {
    const { profile, page } = await signIn(t)
    const tabs = [page, await profile.newPage()]
    const [session] = await sql<{ id: string }>(database, 'SELECT id FROM "session"')
    const sid = session?.id ?? ''
    const seen: Record<string, number> = {}
    for (let round = 1; round <= 150; round += 1) {
      if (round % 10 === 3) beforeSite.loseAnswerTo('GET / HTTP')
      if (round % 10 === 7) beforeLatchkey.loseAnswerTo('POST /refresh')
      const statuses = await Promise.all(
        tabs.map(async (tab) => {
          const response = await tab.goto(origin, { waitUntil: 'commit' }).catch(() => null)
          return /id="status">([^<]*)/.exec((await response?.text().catch(() => '')) ?? '')?.[1] ?? 'lost'
        })
      )
      for (const status of statuses) seen[status] = (seen[status] ?? 0) + 1
      // Between the navigations time passes.
      shift += 3000
      await age(database, sid, 3)
    }
    t.strictSame(
      Object.keys(seen).filter((status) => !['signed in', 'unknown', 'lost'].includes(status)),
      []
    )
    t.ok((seen['signed in'] ?? 0) >= 280, JSON.stringify(seen))
    t.ok(beforeSite.lost >= 10 && beforeLatchkey.lost >= 10, `${beforeSite.lost} and ${beforeLatchkey.lost} were lost`)
    const sessions = await sql<{ id: string; generation: number }>(database, 'SELECT id, generation FROM "session"')
    t.strictSame(
      sessions.map(({ id }) => id),
      [sid]
    )
    t.ok(Number(sessions[0]?.generation) >= 100, `${sessions[0]?.generation} rotations`)
    const events = await sql<{ type: string; reason: string }>(database, 'SELECT type, reason FROM event')
    t.strictSame(
      events.filter(({ type, reason }) => /reuse|recovery/.test(`${type} ${reason}`)),
      []
    )
    for (const tab of tabs) {
      await tab.goto(origin)
      t.equal(await tab.textContent('#status'), 'signed in')
    }
    await page.click('text=logout')
    await page.waitForSelector('text=signed out')
    const names = (await profile.cookies()).map(({ name }) => name)
    t.strictSame(
      names.filter((name) => name.includes('refresh')),
      []
    )
  })

  t.test('`latchkey/client` in a page gets its tokens from the site', async (t) => {
    const { page } = await signIn(t)
    await loadClient(page, { baseURL: '/session', origins: [ISSUER] })
    t.match(await clientSays(page, 'await client.refresh()'), { state: { status: 'signed_in' } })
    t.match(await clientSays(page, 'await client.logout()'), { state: { status: 'signed_out' } })
    await page.goto(origin)
    t.equal(await page.textContent('#status'), 'signed out')
    const person = JSON.stringify({ email: newEmail(), password: goodPassword })
    await loadClient(page, { baseURL: '/session' })
    t.match(await clientSays(page, `await client.register(${person})`), { state: { status: 'signed_in' } })
    await page.goto(origin)
    t.equal(await page.textContent('#status'), 'signed in')
  })

  t.test('a link on another site leads to a page that is not known at first, and signed in at once', async (t) => {
    const { page } = await signIn(t)
    await page.goto(`http://127.0.0.1:${await openOtherSite(t)}`)
    const documents: string[] = []
    page.on('response', async (response) => {
      if (response.url() === `${origin}/`) documents.push((await response.text().catch(() => '')) || 'left')
    })
    await page.evaluate(`location.assign(${JSON.stringify(origin)})`)
    await page.waitForSelector('text=signed in')
    t.equal(documents.length, 2)
  })
}
