// One file with one browser and one service, because a browser starts slowly.
import type { Browser, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { expectAccessible, expectNarrow } from '../support/browser/accessibility.js'
import { faultsOf, fileTimeoutMilliseconds, openBrowser, openProfile } from '../support/browser/chromium.js'
import { openTestDatabase, sql } from '../support/database.js'
import { anotherDevice, newEmail, newPerson, refreshCookie } from '../support/http/people.js'
import { goodPassword, openService } from '../support/service.js'

t.setTimeout(fileTimeoutMilliseconds)
const browser = await openBrowser(t)
if (browser !== undefined) await testPages(browser)

async function testPages(browser: Browser): Promise<void> {
  const operator = newEmail()
  const database = await openTestDatabase(t, { kind: 'embedded' })
  const app = await openService(t, database, { ADMIN_EMAIL: operator, ADMIN_PASSWORD: goodPassword })
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  // Browsers treat http://localhost as secure, so they accept secure cookies.
  const origin = `http://localhost:${port}`

  /**
   * Tests a page in its own browser profile. Fails at the end for every forbidden request or thrown error of the page.
   */
  function testPage(name: string, path: '/account' | '/console', test: (t: Test, page: Page) => Promise<void>): void {
    t.test(name, async (t) => {
      const page = await (await openProfile(t, browser)).newPage()
      const faults = faultsOf(page, origin)
      await page.goto(origin + path)
      await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor()
      await test(t, page)
      t.strictSame(faults, [], 'the page violates no policy, throws nothing and loads from its own origin only')
    })
  }

  async function signIn(page: Page, email: string, password = goodPassword): Promise<void> {
    await page.getByLabel('E-mail', { exact: true }).fill(email)
    await page.getByRole('textbox', { name: 'Password', exact: true }).fill(password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  }

  const status = (page: Page) => page.getByRole('status')
  const says = (page: Page, text: string | RegExp) => status(page).filter({ hasText: text }).waitFor()
  const click = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true }).click()
  const confirm = (page: Page, name: string) =>
    page.getByRole('dialog').getByRole('button', { name, exact: true }).click()

  testPage('a user signs in, sees their devices and ends them', '/account', async (t, page) => {
    const { client: phone, email } = await newPerson(app, 'body', "Ada's phone")
    await expectAccessible(t, page, 'the form')
    await expectNarrow(t, page, 'the form')
    await signIn(page, email, 'not the password')
    await page.getByRole('alert').filter({ hasText: 'E-mail or password is wrong.' }).waitFor()
    await signIn(page, email)

    const devices = page.getByRole('list').filter({ hasText: 'This device' }).getByRole('listitem')
    await devices.first().waitFor()
    t.match(await devices.allInnerTexts(), [
      /^Chrome on Linux This device\s+This computer \(127\.0\.0\.1\)/,
      /^Ada's phone/
    ])
    const activity = page.getByRole('region', { name: 'Recent activity' }).getByRole('listitem')
    t.match(await activity.allInnerTexts(), [/^Signed in/, /^Sign-in refused/, /^Signed in/, /^Account created/])
    await expectAccessible(t, page, 'the devices')
    await expectNarrow(t, page, 'the devices')

    await click(page, "Sign out: Ada's phone")
    await expectAccessible(t, page, 'the dialog')
    await confirm(page, 'Sign out')
    await says(page, "“Ada's phone” is signed out.")
    t.equal(await devices.count(), 1)
    t.equal((await phone.send('GET', '/me')).statusCode, 401)

    const others = [await anotherDevice(app, { email }), await anotherDevice(app, { email })]
    await page.reload()
    await click(page, 'Sign out all others')
    await confirm(page, 'Sign out all others')
    await says(page, 'All other devices are signed out.')
    t.equal(await devices.count(), 1)
    for (const { client } of others) t.equal((await client.send('GET', '/me')).statusCode, 401)
  })

  testPage('/account works by keyboard and never loses the focus', '/account', async (t, page) => {
    const { email } = await newPerson(app, 'body', 'old name')
    const focused = () => page.evaluate('document.activeElement.textContent.trim()')
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key)
    }
    await page.keyboard.type(email)
    await press('Tab')
    await page.keyboard.type(goodPassword)
    await press('Enter')
    await page.getByText('This device', { exact: true }).waitFor()
    t.equal(await focused(), 'Your account')

    await page.getByRole('button', { name: 'Rename: old name' }).focus()
    await press('Enter')
    await page.getByRole('dialog').waitFor()
    // Microtasks run before the dialog's `close` event: a browser may deliver a quick key as early.
    await page.evaluate(`(async () => {
      document.getElementById('dialog-cancel').click()
      for (let i = 0; i < 50; i++) await undefined
      document.querySelector('[aria-label="Rename: old name"]').click()
    })()`)
    await page.getByRole('dialog').waitFor()
    await press('Escape')
    t.equal(await focused(), 'Rename')
    await press('Enter')
    await page.keyboard.type('new name')
    await press('Enter')
    await says(page, 'The device is called “new name” now.')
    t.equal(await page.evaluate('document.activeElement.ariaLabel'), 'Rename: new name')
    await press('Tab', 'Enter', 'Tab', 'Enter')
    await says(page, '“new name” is signed out.')
    t.equal(await focused(), 'Devices')
  })

  testPage('a user creates an account, changes the password and signs out', '/account', async (t, page) => {
    const email = newEmail()
    await click(page, 'Create an account instead')
    await page.getByLabel('E-mail', { exact: true }).fill(email)
    const password = page.getByRole('textbox', { name: 'Password', exact: true })
    await password.fill('passwordpassword')
    await click(page, 'Create an account')
    await page.getByRole('alert').filter({ hasText: 'among the first to be guessed' }).waitFor()
    await password.fill(goodPassword)
    await click(page, 'Create an account')
    await page.getByText('This device', { exact: true }).waitFor()

    const { client: other } = await anotherDevice(app, { email })
    const change = async (current: string, next: string) => {
      await page.getByLabel('Current password').fill(current)
      await page.getByLabel('New password').fill(next)
      await click(page, 'Change password')
    }
    await change('wrong', 'another good password')
    await page.getByRole('alert').filter({ hasText: 'The password is wrong.' }).waitFor()
    await change(goodPassword, goodPassword)
    await page.getByRole('alert').filter({ hasText: 'You already have this password.' }).waitFor()
    await change(goodPassword, 'short')
    await page.getByRole('alert').filter({ hasText: 'This password is too short.' }).waitFor()
    await change(goodPassword, 'another good password')
    await says(page, 'The password is changed, and all other devices are signed out.')
    t.equal((await other.send('GET', '/me')).statusCode, 401)

    await click(page, 'Sign out')
    await page.getByText('You are signed out.').waitFor()
    const left = (await page.context().cookies()).map(({ name }) => name)
    t.notOk(left.includes(refreshCookie), 'the cookie is deleted')
    await page.reload()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  })

  testPage(
    'a user who signed in long ago confirms the password, and then the action is done',
    '/account',
    async (t, page) => {
      const { client: phone, email } = await newPerson(app, 'body', 'a phone')
      await signIn(page, email)
      await page.getByText('This device', { exact: true }).waitFor()
      await sql(database, `UPDATE session SET auth_time = auth_time - interval '1 day'`)
      await page.reload()
      const dialog = page.getByRole('dialog')
      const endPhone = async () => {
        await click(page, 'Sign out: a phone')
        await confirm(page, 'Sign out')
        await dialog.filter({ hasText: 'Confirm that it is you' }).waitFor()
      }
      await endPhone()
      await expectAccessible(t, page, 'the dialog for the password')
      await dialog.getByRole('button', { name: 'Cancel' }).click()
      await says(page, 'Nothing was changed, because you did not confirm your password.')
      t.equal((await phone.send('GET', '/me')).statusCode, 200)

      await endPhone()
      await dialog.getByLabel('Your password').fill('not the password')
      await confirm(page, 'Continue')
      await dialog.filter({ hasText: 'The password is wrong' }).waitFor()
      await dialog.getByLabel('Your password').fill(goodPassword)
      await confirm(page, 'Continue')
      await says(page, '“a phone” is signed out.')
      t.equal((await phone.send('GET', '/me')).statusCode, 401)
      t.equal(await page.locator('#dialog input').count(), 0, 'the page keeps no field with the password')

      await sql(database, `UPDATE session SET auth_time = auth_time - interval '1 day'`)
      await page.reload()
      await page.getByText('This device', { exact: true }).waitFor()
      await click(page, 'Sign out')
      await page.getByText('You are signed out.').waitFor()
    }
  )

  testPage('a user who was signed out elsewhere sees the reason', '/account', async (t, page) => {
    const { client: other, email } = await newPerson(app, 'body')
    await signIn(page, email)
    await page.getByText('This device', { exact: true }).waitFor()
    await other.send('DELETE', '/sessions')
    await click(page, /^Rename: Chrome/)
    await confirm(page, 'Save')
    await page.getByText('You were signed out here from another of your devices.').waitFor()
    t.equal(await page.evaluate('document.activeElement.textContent'), 'Sign in')
    t.equal(await status(page).textContent(), '')
    t.notOk((await page.content()).includes('Chrome on Linux'), 'the personal data is removed')
    await expectAccessible(t, page, 'the form with the reason')

    await signIn(page, email)
    await page.getByText('This device', { exact: true }).waitFor()
    await app.latchkey.sessions.endSession(
      (await app.latchkey.sessions.sessionsOfUser((await other.send('GET', '/me')).json().id))[0]?.id ?? ''
    )
    await page.reload()
    await page.getByText('You were signed out by an administrator.').waitFor()
  })

  testPage('an admin finds a user, reads the timeline and ends sessions', '/console', async (t, page) => {
    const { client: phone, email } = await newPerson(app, 'body', 'a phone')
    const { client: tablet } = await anotherDevice(app, { email }, 'body', 'a tablet')
    for (const reason of ['idempotency_key', 'recovery']) {
      const insert = `INSERT INTO event (type, reason, session_id) VALUES ('refresh_recovered', $1, $2::uuid)`
      await sql(database, insert, reason, phone.sessionId)
    }
    await signIn(page, operator)
    await page.getByLabel('E-mail begins with').fill(email)
    await click(page, 'Find')
    await says(page, 'One person was found.')
    await page.getByRole('list', { name: 'Found people' }).getByRole('button', { name: email }).click()
    await page.getByRole('heading', { name: email }).waitFor()
    await page.getByRole('listitem').filter({ hasText: 'a phone' }).getByText('Timeline').click()
    const phoneTimeline = page.getByRole('listitem').filter({ hasText: 'a phone' }).getByRole('list')
    await phoneTimeline.getByText('Signed in').waitFor()
    await phoneTimeline.getByText('The device repeated a refresh with its own key').waitFor()
    await phoneTimeline.getByText('Accepted once, without the key of the device').waitFor()
    await page.getByText('2 lost responses were recovered.').waitFor()
    await expectAccessible(t, page, 'the console')
    await expectNarrow(t, page, 'the console')

    await click(page, 'End…: a phone')
    await page.getByLabel('Why, for the audit log').fill('reported lost')
    await expectAccessible(t, page, 'the dialog of the console')
    await confirm(page, 'End session')
    await says(page, 'The session has ended.')
    t.equal((await phone.send('GET', '/me')).statusCode, 401)
    t.equal((await tablet.send('GET', '/me')).statusCode, 200)
    const ended = page.getByRole('listitem').filter({ hasText: /^Ended by an administrator/ })
    // The timeline was open before and stays open.
    await ended.getByText('Ended by an administrator: “reported lost”').waitFor()

    await click(page, 'End all sessions…')
    await confirm(page, 'End all sessions')
    await says(page, 'One session has ended.')
    t.equal((await tablet.send('GET', '/me')).statusCode, 401)

    await click(page, 'Roles…')
    await page.getByLabel('Roles', { exact: true }).fill('reader editor')
    await confirm(page, 'Save')
    await says(page, `${email} has the roles reader, editor now.`)
    await click(page, 'Disable…')
    await confirm(page, 'Disable')
    await says(page, `${email} is disabled.`)
    const login = { method: 'POST', url: '/login', payload: { email, password: goodPassword } } as const
    t.equal((await app.inject(login)).statusCode, 401)
    await click(page, 'Enable…')
    await confirm(page, 'Enable')
    await says(page, `${email} is enabled.`)
    const again = await app.inject(login)
    t.equal(again.statusCode, 200)
  })

  testPage('an admin rotates the signing key and sees the activity', '/console', async (t, page) => {
    await signIn(page, operator)
    const keys = page.getByRole('region', { name: 'Signing keys' }).getByRole('listitem')
    await keys.first().waitFor()
    t.match(await keys.allInnerTexts(), [/active/])
    await click(page, 'Rotate…')
    await confirm(page, 'Rotate')
    await says(page, 'There is a new signing key.')
    t.match(await keys.allInnerTexts(), [/published/, /active/])
    await click(page, 'Rotate…')
    await page.getByLabel(/has leaked/).check()
    await confirm(page, 'Rotate')
    await says(page, 'There is a new signing key.')
    t.match(await keys.allInnerTexts(), [/active/, /retired/, /retired/])

    const chart = page.getByRole('img', { name: /^Sign-ins by the minute, over the last hour: [1-9]/ })
    await chart.waitFor()
    t.equal(await chart.locator('rect').count(), 60)
  })

  t.test('with REGISTRATION=closed the page offers no registration', async (t) => {
    const closed = await openService(t, database, { REGISTRATION: 'closed' })
    const { port } = new URL(await closed.listen({ host: '127.0.0.1', port: 0 }))
    const page = await (await openProfile(t, browser)).newPage()
    const asked = page.waitForResponse((response) => response.url().endsWith('/features'))
    await page.goto(`http://localhost:${port}/account`)
    await (await asked).finished()
    await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor()
    t.notOk(await page.getByRole('button', { name: 'Create an account instead' }).isVisible())
  })

  testPage('a user without the role admin sees no data', '/console', async (t, page) => {
    const { email } = await newPerson(app)
    await signIn(page, email)
    await page.getByText('This account lacks the role “admin”.').waitFor()
    t.notOk(await page.getByRole('heading', { name: 'People' }).isVisible())
    await expectAccessible(t, page, 'the console without the role')
  })

  testPage("everybody's sessions end only after typing the confirmation", '/console', async (t, page) => {
    const { client } = await newPerson(app)
    await signIn(page, operator)
    await page.getByLabel('Type revoke-all to confirm').fill('revoke')
    await click(page, "End everybody's sessions")
    await page.getByRole('alert').filter({ hasText: 'Nothing was ended.' }).waitFor()
    t.equal((await client.send('GET', '/me')).statusCode, 200)
    await page.getByLabel('Type revoke-all to confirm').fill('revoke-all')
    await click(page, "End everybody's sessions")
    await page.getByText('You were signed out by an administrator.').waitFor()
    t.equal((await client.send('GET', '/me')).statusCode, 401)
  })
}
