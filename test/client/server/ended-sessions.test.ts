import t from 'tap'
import type { Authentication } from '../../../src/client/server/server-client.js'
import { impatientRuntime, openLatchkeyForSites, type Visitor } from '../../support/client/site.js'
import { age } from '../../support/database.js'
import { goodPassword } from '../../support/service.js'

/** What two tabs of one browser do to each other: one renders a page, the other signs in or out. */
const { database, newSite, newVisitor } = await openLatchkeyForSites(t)
const clock = { shift: 0 }
const runtime = { ...impatientRuntime, now: () => Date.now() + clock.shift }
const names = ({ jar }: Visitor) => [...jar.keys()].filter((name) => name.includes('refresh'))

/** A visitor for whom a page is rendered. It has new cookies for the browser, which has not received them yet. */
async function pageInRendering() {
  const site = newSite({}, runtime)
  const signedIn = await newVisitor(site)
  await age(database, signedIn.sid, 60)
  const page = await site.authenticate(signedIn.visitor.request, signedIn.accessToken)
  t.match(page, { status: 'signed_in', auth: { sessionId: signedIn.sid } })
  t.equal(page.setCookies.length, 2)
  return { ...signedIn, site, page }
}

t.test('a page that is still rendered does not undo a logout in another tab', async (t) => {
  const { site, visitor, page } = await pageInRendering()
  const [before] = [visitor.request]
  visitor.receive(await site.answer(visitor.request, 'logout'))
  t.strictSame(page.setCookies, [])
  visitor.receive(page)
  t.match(await site.authenticate(visitor.request), { status: 'signed_out' })
  t.match(await site.authenticate(before), { status: 'signed_out', error: { reason: 'logged_out' } })
})

t.test('a page whose cookies came too late for a logout is signed out, and its cookies are cleared', async (t) => {
  const { site, visitor, page } = await pageInRendering()
  const { setCookies } = page
  visitor.receive(await site.answer(visitor.request, 'logout'))
  visitor.receive({ setCookies })
  t.equal(names(visitor).length, 2)
  const next = visitor.receive(await site.authenticate(visitor.request))
  t.match(next, { status: 'signed_out', error: { reason: 'logged_out' } })
  t.strictSame(names(visitor), [])
})

for (const { path, status, reason } of [
  { path: 'logout', status: 'signed_out', reason: 'logged_out' },
  { path: 'login', status: 'unknown', reason: 'replaced' }
]) {
  t.test(`a refresh during a ${path} gives the page neither a token nor cookies`, async (t) => {
    const site = newSite({}, runtime)
    const { visitor, person, sid, accessToken } = await newVisitor(site)
    await age(database, sid, 60)
    let arrive = () => {}
    const arrival = new Promise<void>((resolve) => {
      arrive = resolve
    })
    let refreshed = () => {}
    const hasRefreshed = new Promise<void>((resolve) => {
      refreshed = resolve
    })
    site.network.carry = async (request) => {
      const response = await fetch(request)
      if (!request.url.endsWith('/refresh')) return response
      refreshed()
      await arrival
      return response
    }
    const rendering = site.authenticate(visitor.request, accessToken)
    await hasRefreshed
    visitor.receive(await site.answer(visitor.request, path, person))
    arrive()
    const page = await rendering
    t.match(page, { status, auth: null, error: { code: 'session_ended', reason }, setCookies: [] })
    const now = await site.authenticate(visitor.request)
    t.equal(now.status, path === 'login' ? 'signed_in' : 'signed_out')
  })
}

for (const path of ['login', 'password', 'reauthenticate']) {
  t.test(`a page that is still rendered leaves the session of a ${path} in another tab alone`, async (t) => {
    const { site, visitor, page } = await pageInRendering()
    const other = await newVisitor()
    const body = {
      login: other.person,
      password: { current_password: goodPassword, new_password: 'another rather long password' },
      reauthenticate: { password: goodPassword }
    }[path]
    const answer = visitor.receive(await site.answer(visitor.request, path, body))
    t.equal(answer.status, 200)
    const { session_id: sessionId } = (await answer.json()) as { session_id: string }
    visitor.receive(page)
    t.match(await site.authenticate(visitor.request), { status: 'signed_in', auth: { sessionId } })
    t.match(await newSite().authenticate(visitor.request), { status: 'signed_in', auth: { sessionId } })
  })
}

t.test('a browser that lost the cookie of a new login learns it ten seconds later, and can sign in', async (t) => {
  const { site, visitor, person, page } = await pageInRendering()
  const { setCookies } = page
  visitor.receive(await site.answer(visitor.request, 'login', person))
  visitor.receive({ setCookies })
  const expectUnknown = async (result: Promise<Authentication>) =>
    t.match(visitor.receive(await result), { status: 'unknown', error: { reason: 'replaced' }, setCookies: [] })
  await expectUnknown(site.authenticate(visitor.request))
  const otherProcess = newSite({}, runtime)
  await expectUnknown(otherProcess.authenticate(visitor.request))
  t.equal(names(visitor).length, 2)

  clock.shift += 10_000
  const late = visitor.request
  const script = await otherProcess.answer(late, 'refresh')
  t.match([script.status, await script.json()], [401, { code: 'session_ended', reason: 'replaced' }])
  t.match(await site.authenticate(late), { status: 'signed_out', error: { reason: 'replaced' } })
  visitor.receive(script)
  t.strictSame(names(visitor), [])
  t.match(await site.authenticate(visitor.request), { status: 'signed_out' })
  visitor.receive(await site.answer(visitor.request, 'login', person))
  t.match(await site.authenticate(visitor.request), { status: 'signed_in' })
})

t.test('a logout with an older cookie ends the session for the newest one too', async (t) => {
  const { site, visitor, page } = await pageInRendering()
  const older = visitor.request
  visitor.receive(page)
  t.match(await site.authenticate(visitor.request), { status: 'signed_in' })
  t.equal((await site.answer(older, 'logout')).status, 204)
  t.match(await site.authenticate(visitor.request), { status: 'signed_out', error: { reason: 'logged_out' } })
})

t.test('after a logout whose answer is lost, Latchkey says who is signed in', async (t) => {
  const { site, visitor, page } = await pageInRendering()
  const older = visitor.request
  visitor.receive(page)
  site.network.carry = async (request) => {
    await fetch(request)
    throw new TypeError('The connection was lost')
  }
  t.equal((await site.answer(older, 'logout')).status, 503)
  site.network.carry = (request) => fetch(request)
  t.match(await site.authenticate(visitor.request), { status: 'signed_out', error: { reason: 'logged_out' } })
})

t.test('the end of a session that a page has seen does not clear the cookies of a later login', async (t) => {
  const { site, visitor, person, page } = await pageInRendering()
  visitor.receive(page)
  await newSite().answer(visitor.request, 'logout')
  const signedOut = await site.authenticate(visitor.request, page.accessToken)
  t.match(signedOut, { status: 'signed_out', error: { reason: 'logged_out' } })
  t.equal(signedOut.setCookies.length, 2)
  visitor.receive(await site.answer(visitor.request, 'login', person))
  visitor.receive(signedOut)
  t.match(await site.authenticate(visitor.request), { status: 'signed_in' })
})
