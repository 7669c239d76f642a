// One file with one browser, one service and one mail server, because a browser starts slowly.
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { expectAccessible, expectNarrow } from '../support/browser/accessibility.js'
import { faultsOf, fileTimeoutMilliseconds, openBrowser, openProfile } from '../support/browser/chromium.js'
import { openTestDatabase, sql } from '../support/database.js'
import { freePort } from '../support/faults/postgres-cluster.js'
import { newEmail, newPerson } from '../support/http/people.js'
import { openMailServer } from '../support/mail/mail-server.js'
import { Client, goodPassword, openService } from '../support/service.js'

t.setTimeout(fileTimeoutMilliseconds)
const browser = await openBrowser(t)
if (browser !== undefined) await testLinks(browser)

async function testLinks(browser: Browser): Promise<void> {
  const database = await openTestDatabase(t, { kind: 'embedded' })
  const mailServer = await openMailServer(t)
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const operator = newEmail()
  const settings = {
    ...mailServer.settings,
    ACCOUNT_URL: `${origin}/account`,
    ADMIN_EMAIL: operator,
    ADMIN_PASSWORD: goodPassword
  }
  const app = await openService(t, database, settings)
  await app.listen({ host: '127.0.0.1', port })
  const strictPort = await freePort()
  const strictOrigin = `http://localhost:${strictPort}`
  /** The same service with another setting. Either of the two may send a mail, so both name the same page in it. */
  const strict = await openService(t, database, { ...settings, EMAIL_VERIFICATION: 'required' })
  await strict.listen({ host: '127.0.0.1', port: strictPort })

  const newPassword = 'quite another password'

  /** The mail number `index` to `to` with a link of this name. Other mails do not count, such as notices. */
  async function mailedLink(to: string, name: string, index = 0) {
    let left = index
    for (let number = 0; ; number += 1) {
      const mail = await mailServer.mailTo(to, number)
      if (!mail.link.includes(`#${name}=`)) continue
      if (left === 0) return mail
      left -= 1
    }
  }

  /** Tests a page in its own browser profile, signed out. Fails for each forbidden request or error of the page. */
  function testPage(name: string, test: (t: Test, page: Page) => Promise<void>, options?: BrowserContextOptions): void {
    t.test(name, async (t) => {
      const page = await openPage(t, options)
      const faults = faultsOf(page, origin)
      await test(t, page)
      t.strictSame(faults, [], 'the page violates no policy, throws nothing and loads from its own origin only')
    })
  }
  const openPage = async (t: Test, options?: BrowserContextOptions) =>
    (await openProfile(t, browser, options)).newPage()

  const click = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()
  const field = (page: Page, name: string) => page.getByRole('textbox', { name, exact: true })
  const step = (page: Page) => page.locator('#step')
  const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true }).waitFor()
  const isFocused = async (t: Test, page: Page, text: string) =>
    t.equal(await page.evaluate('document.activeElement.textContent'), text, `the focus is on “${text}”`)

  async function signIn(page: Page, email: string, password = goodPassword): Promise<void> {
    await field(page, 'E-mail').fill(email)
    await field(page, 'Password').fill(password)
    await click(page, 'Sign in')
    await heading(page, 'Devices')
  }

  async function signedIn(page: Page) {
    const person = await newPerson(app)
    await page.goto(`${origin}/account`)
    await signIn(page, person.email)
    return person
  }

  const loginStatus = async (email: string, password: string) =>
    (await new Client(app).send('POST', '/login', { payload: { email, password } })).statusCode

  testPage(
    'a forgotten password is reset on another device, and the first device shows why its session ended',
    async (t, page) => {
      const { email } = await signedIn(page)
      const other = await openPage(t)
      const faults = faultsOf(other, origin)
      await other.goto(`${origin}/account`)
      await other.getByRole('link', { name: 'Forgot your password?' }).click()
      await heading(other, 'Forgot your password?')
      await isFocused(t, other, 'Forgot your password?')
      await expectAccessible(t, other, 'the form for the address')
      await expectNarrow(t, other, 'the form for the address')
      await field(other, 'E-mail').fill(email)
      await click(other, 'Mail the link')
      await heading(other, 'Check your mail')
      await other.getByText(`If ${email} belongs to an account, a mail with a link is on its way.`).waitFor()

      const { link, token } = await mailedLink(email, 'reset')
      for (const method of ['GET', 'HEAD']) {
        t.equal((await fetch(link, { method })).status, 200, `a mail scanner’s ${method}`)
      }
      await other.goto('about:blank')
      await other.goto(link)
      await heading(other, 'Choose a new password')
      t.equal(other.url(), `${origin}/account`, 'the token has left the address')
      t.notOk((await other.content()).includes(token))
      await expectAccessible(t, other, 'the form for the new password')
      await expectNarrow(t, other, 'the form for the new password')
      await step(other).getByText('At least 15 characters.').waitFor()
      const typed = field(other, 'New password')
      await typed.fill('too short')
      await click(other, 'Set the new password')
      await other.getByRole('alert').filter({ hasText: 'This password is too short.' }).waitFor()
      t.equal(
        await other.evaluate('document.activeElement.id'),
        await typed.getAttribute('id'),
        'the field has the focus'
      )
      t.equal(await loginStatus(email, goodPassword), 200, 'until then the old password holds')

      await typed.fill(newPassword)
      await click(other, 'Set the new password')
      await heading(other, 'The new password is set')
      await isFocused(t, other, 'The new password is set')
      t.equal(await loginStatus(email, goodPassword), 401)
      await click(other, 'Sign in')
      await signIn(other, email, newPassword)

      await page.reload()
      await page.getByText('You were signed out because your password was reset.').waitFor()
      await isFocused(t, page, 'Sign in')
      t.strictSame(faults, [])
    }
  )

  testPage('the page says that a used link no longer works, and offers a new one', async (t, page) => {
    const { email } = await newPerson(app)
    const forgot = () => new Client(app).send('POST', '/password/forgot', { payload: { email } })
    await forgot()
    const { link, token } = await mailedLink(email, 'reset')
    const reset = { token, new_password: newPassword }
    t.equal((await new Client(app).send('POST', '/password/reset', { payload: reset })).statusCode, 204)

    await page.goto(link)
    await field(page, 'New password').fill(newPassword)
    await click(page, 'Set the new password')
    await heading(page, 'This link no longer works')
    await expectAccessible(t, page, 'the dead link')
    await click(page, 'Mail a new link')
    await field(page, 'E-mail').fill(email)
    await click(page, 'Mail the link')
    await heading(page, 'Check your mail')
    const newer = await mailedLink(email, 'reset', 1)
    await page.evaluate(`location.hash = ${JSON.stringify(new URL(newer.link).hash)}`)
    await heading(page, 'Choose a new password')
    t.equal(new URL(page.url()).hash, '', 'a link that is opened in the open page works too')
    await click(page, 'Cancel')
    await heading(page, 'Sign in')
  })

  testPage(
    'an address is changed by a mail to the new one, and changed back by a mail to the old one',
    async (t, page) => {
      const { email } = await signedIn(page)
      await sql(database, `UPDATE "user" SET email_verified_at = now() WHERE email = $1`, email)
      const next = newEmail()
      await click(page, 'Change…')
      await field(page, 'New address').fill(next)
      await expectAccessible(t, page, 'the dialog for the new address')
      await page.getByRole('dialog').getByRole('button', { name: 'Mail the link' }).click()
      await page
        .getByRole('status')
        .filter({ hasText: `A mail to ${next} is on its way.` })
        .waitFor()

      const confirmation = await mailedLink(next, 'confirm-email')
      await page.evaluate(`location.hash = ${JSON.stringify(new URL(confirmation.link).hash)}`)
      await heading(page, 'Change the address of your account')
      await page.getByText(`This browser is signed in as ${email}.`).waitFor()
      await click(page, 'Change the address')
      await heading(page, 'The address is changed')
      await page.locator('#who').filter({ hasText: next }).waitFor()
      await click(page, 'To your account')
      await isFocused(t, page, 'Your account')

      const stranger = await openPage(t)
      await stranger.goto((await mailedLink(email, 'undo-email')).link)
      await stranger.getByText('You get a mail with a link to set a new one.').waitFor()
      await click(stranger, 'Undo the change')
      await heading(stranger, 'The change is undone')
      await stranger.getByText('its password no longer works').waitFor()
      await expectNarrow(t, stranger, 'what to do next')
      for (const address of [email, next]) t.equal(await loginStatus(address, goodPassword), 401)
      await click(stranger, 'Mail a new link')
      await heading(stranger, 'Forgot your password?')
      const { hash } = new URL((await mailedLink(email, 'reset')).link)
      await stranger.evaluate(`location.hash = ${JSON.stringify(hash)}`)
      await field(stranger, 'New password').fill(newPassword)
      await click(stranger, 'Set the new password')
      await heading(stranger, 'The new password is set')
      t.equal(await loginStatus(email, newPassword), 200)

      await page.reload()
      await page.getByText('You were signed out here from another of your devices.').waitFor()
    }
  )

  t.test('with EMAIL_VERIFICATION=required the first session begins with a click on the linked page', async (t) => {
    const page = await openPage(t)
    const faults = faultsOf(page, strictOrigin)
    const email = newEmail()
    await page.goto(`${strictOrigin}/account`)
    await click(page, 'Create an account instead')
    await page.getByText('At least 15 characters.').filter({ visible: true }).waitFor()
    await field(page, 'E-mail').fill(email)
    await field(page, 'Password').fill(goodPassword)
    await click(page, 'Create an account')
    await heading(page, 'Check your mail')
    await isFocused(t, page, 'Check your mail')
    await click(page, 'Continue')
    await click(page, 'Sign in instead')
    await field(page, 'E-mail').fill(email)
    await field(page, 'Password').fill(goodPassword)
    await click(page, 'Sign in')
    await heading(page, 'Confirm your address first')
    await expectAccessible(t, page, 'what to do first')

    // Either instance may have sent the mail, with its own ACCOUNT_URL.
    const { hash } = new URL((await mailedLink(email, 'verify')).link)
    const link = `${strictOrigin}/account${hash}`
    t.equal((await fetch(link, { method: 'HEAD' })).status, 200)
    await page.goto('about:blank')
    await page.goto(link)
    await step(page).getByText('Somebody chose a password for this account. If that was not you, do not').waitFor()
    await click(page, 'Confirm the address')
    await heading(page, 'The address is confirmed')
    // The link may be a stranger's, and so the account too.
    await step(page).getByText(`You are signed in now as ${email}.`).waitFor()
    await step(page).getByText('If you did not choose the password of this account yourself').waitFor()
    await expectAccessible(t, page, 'the offer of another password')
    await expectNarrow(t, page, 'the offer of another password')
    await click(page, 'Set another password by mail')
    await heading(page, 'Forgot your password?')
    await click(page, 'Cancel')
    await heading(page, 'Devices')
    await page.getByText('confirmed', { exact: true }).waitFor()

    await page.goto('about:blank')
    await page.goto(link)
    await click(page, 'Confirm the address')
    await heading(page, 'This link no longer works')
    await click(page, 'To your account')
    await click(page, 'Sign out')
    await page.goto('about:blank')
    await page.goto(link)
    await click(page, 'Confirm the address')
    await step(page).getByText('It confirms the address too.').waitFor()
    await click(page, 'Mail a new link')
    await heading(page, 'Forgot your password?')
    t.strictSame(faults, [])
  })

  t.test(
    'a person whose address was registered with different passwords chooses one after the confirmation',
    async (t) => {
      const email = newEmail()
      for (const password of [goodPassword, newPassword]) {
        await strict.inject({ method: 'POST', url: '/register', payload: { email, password } })
      }
      const page = await openPage(t)
      const faults = faultsOf(page, strictOrigin)
      await page.goto(`${strictOrigin}/account${new URL((await mailedLink(email, 'verify')).link).hash}`)
      await click(page, 'Confirm the address')
      await heading(page, 'The address is confirmed')
      await page.getByText('none of them works').waitFor()
      await expectAccessible(t, page, 'the choice of the first password')
      await field(page, 'New password').fill('short')
      await click(page, 'Set the password')
      await page.getByRole('alert').filter({ hasText: 'too short' }).waitFor()
      await field(page, 'New password').fill('her own good password')
      await click(page, 'Set the password')
      await heading(page, 'Devices')
      await page.getByRole('status').filter({ hasText: 'The password is set.' }).waitFor()
      t.equal(await loginStatus(email, 'her own good password'), 200)
      t.strictSame(faults, [])
    }
  )

  testPage(
    'a user has the confirmation sent again, changes language and notices, and deletes the account',
    async (t, page) => {
      const { email } = await newPerson(app)
      await page.goto(`${origin}/account#password`)
      await signIn(page, email)
      t.equal(await page.evaluate('document.activeElement.id'), 'current-password')
      await page.getByText('not confirmed', { exact: true }).waitFor()
      await click(page, 'Send the confirmation again')
      await page
        .getByRole('status')
        .filter({ hasText: `A mail to ${email} is on its way.` })
        .waitFor()
      const confirmation = await mailedLink(email, 'verify')
      await page.evaluate(`location.hash = ${JSON.stringify(new URL(confirmation.link).hash)}`)
      await click(page, 'Confirm the address')
      await click(page, 'To your account')
      await page.getByText('confirmed', { exact: true }).waitFor()

      await page.getByLabel('Mail me when a new device signs in').uncheck()
      await page.getByLabel('Language of this page and of mails').selectOption({ label: 'Deutsch' })
      await click(page, 'Save')
      await page.getByRole('status').filter({ hasText: 'Gespeichert.' }).waitFor()
      await page.reload()
      await heading(page, 'Geräte')
      t.equal(await page.evaluate('document.documentElement.lang'), 'de')
      t.notOk(await page.getByLabel('Mail an mich, wenn sich ein neues Gerät anmeldet').isChecked())
      await expectAccessible(t, page, 'the German account')
      await expectNarrow(t, page, 'the German account')

      await click(page, 'Konto löschen …')
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('Ihr Passwort').fill('falsch')
      await dialog.getByRole('button', { name: 'Konto löschen' }).click()
      await dialog.getByText('Das Passwort ist falsch.').waitFor()
      t.equal(await page.evaluate('document.activeElement.ariaInvalid'), 'true')
      await dialog.getByLabel('Ihr Passwort').fill(goodPassword)
      await dialog.getByRole('button', { name: 'Konto löschen' }).click()
      await heading(page, 'Ihr Konto ist gelöscht')
      t.equal(await loginStatus(email, goodPassword), 401)
      await click(page, 'Schließen')
      await heading(page, 'Anmelden')
    }
  )

  testPage('an invited person chooses a password, also where another person is signed in', async (t, page) => {
    const { email } = await signedIn(page)
    const admin = new Client(app)
    await admin.signIn(operator, { path: '/login' })
    const invited = newEmail()
    t.equal((await admin.send('POST', '/admin/users', { payload: { email: invited, invite: 'mail' } })).statusCode, 201)
    await page.goto('about:blank')
    await page.goto((await mailedLink(invited, 'invitation')).link)
    await heading(page, 'Choose a password')
    await page.getByText(`This browser is signed in as ${email}.`).waitFor()
    await field(page, 'New password').fill(newPassword)
    await click(page, 'Set the password')
    await heading(page, 'Your account is ready')
    t.equal(await loginStatus(invited, newPassword), 200)
    await click(page, 'To your account')
    await heading(page, 'Devices')
    t.equal(await page.locator('#who-email').textContent(), email, 'the session of the other person goes on')
  })

  testPage(
    'the page speaks German to people who read it',
    async (t, page) => {
      await page.goto(`${origin}/account`)
      await heading(page, 'Anmelden')
      t.equal(await page.title(), 'Ihr Konto')
      t.equal(await page.evaluate('document.documentElement.lang'), 'de')
      await expectAccessible(t, page, 'the German form')
      await field(page, 'E-Mail').fill(newEmail())
      await field(page, 'Passwort').fill('falsch')
      await click(page, 'Anmelden')
      await page.getByRole('alert').filter({ hasText: 'E-Mail-Adresse oder Passwort ist falsch.' }).waitFor()
      await page.goto('about:blank')
      await page.goto(`${origin}/account#reset=lk_ot_none`)
      await heading(page, 'Neues Passwort wählen')
      await step(page).getByText('Mindestens 15 Zeichen.').waitFor()
      await expectNarrow(t, page, 'the German form for a new password')
    },
    { locale: 'de-AT' }
  )
}
