// One file with one browser and one service, because a browser starts slowly.
import type { Browser, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { expectAccessible, expectNarrow } from '../support/browser/accessibility.js'
import { faultsOf, fileTimeoutMilliseconds, openBrowser, openProfile } from '../support/browser/chromium.js'
import { openTestDatabase } from '../support/database.js'
import { until } from '../support/faults/crowd.js'
import { userIdOf } from '../support/http/admin.js'
import { newEmail, newPerson } from '../support/http/people.js'
import { openMailServer } from '../support/mail/mail-server.js'
import { Client, goodPassword, openService } from '../support/service.js'

t.setTimeout(fileTimeoutMilliseconds)
const newPassword = 'another good password 27'
const browser = await openBrowser(t)
if (browser !== undefined) await testMailOfConsole(browser)

async function testMailOfConsole(browser: Browser): Promise<void> {
  const operator = newEmail()
  const database = await openTestDatabase(t, { kind: 'embedded' })
  const mailServer = await openMailServer(t)
  const admin = { ADMIN_EMAIL: operator, ADMIN_PASSWORD: goodPassword }
  const app = await openService(t, database, { ...admin, ...mailServer.settings })
  const origin = await listen(app)
  const allFaults: string[][] = []

  /** A page in a browser profile of its own, signed in. */
  async function open(t: Test, { path, email, at = origin }: { path: string; email: string; at?: string }) {
    const profile = await openProfile(t, browser)
    await profile.grantPermissions(['clipboard-read', 'clipboard-write'])
    const page = await profile.newPage()
    const faults = faultsOf(page, at)
    allFaults.push(faults)
    await page.goto(at + path)
    await page.getByLabel('E-mail', { exact: true }).fill(email)
    await page.getByRole('textbox', { name: 'Password', exact: true }).fill(goodPassword)
    await click(page, 'Sign in')
    return page
  }

  async function openPerson(t: Test, email: string, at = origin): Promise<Page> {
    const page = await open(t, { path: '/console', email: operator, at })
    await page.getByLabel('E-mail begins with').fill(email)
    await click(page, 'Find')
    await page.getByRole('list', { name: 'Found people' }).getByRole('button', { name: email }).click()
    await page.getByRole('heading', { name: email }).waitFor()
    return page
  }

  const ops = new Client(app)
  await ops.signIn(operator, { path: '/login', mode: 'body' })

  const login = async (email: string, password: string) =>
    (await app.inject({ method: 'POST', url: '/login', payload: { email, password } })).statusCode

  const reset = async (link: string) => {
    const payload = { token: link.split('=')[1], new_password: newPassword }
    return (await app.inject({ method: 'POST', url: '/password/reset', payload })).statusCode
  }

  /** The mailed link for a new password. Skips the notices to the person. */
  async function mailedLink(email: string): Promise<string> {
    const found = () => mailServer.received.find(({ to, link }) => to === email && link.includes('#reset='))
    await until(async () => found() !== undefined)
    return found()?.link ?? ''
  }

  t.test('a compromised account: sessions and password end at once, and a mailed link sets a new one', async (t) => {
    const { email } = await newPerson(app)
    const person = await open(t, { path: '/account', email })
    await person.getByText('This device', { exact: true }).waitFor()

    const page = await openPerson(t, email)
    await page.getByText('The address is not confirmed.').waitFor()
    await click(page, 'Compromised…')
    await page.getByLabel('Why, for the audit log').fill('phished on Monday')
    await confirm(page, 'End all sessions and reset')
    await says(page, `All sessions of ${email} have ended, and the password is removed. A mail with a link`)
    const account = page.locator('.timeline')
    await account.getByText('Password removed').waitFor()
    await account.getByText('The link was mailed: “phished on Monday”').waitFor()

    await person.reload()
    await person.getByText('You were signed out by an administrator.').waitFor()
    t.equal(await login(email, goodPassword), 401, 'the old password opens nothing')
    t.equal(await reset(await mailedLink(email)), 204)
    t.equal(await login(email, newPassword), 200)
  })

  t.test('a one-time link is shown once and copied', async (t) => {
    const { email, client } = await newPerson(app)
    const page = await openPerson(t, email)
    await click(page, 'Password reset…')
    await page.locator('#dialog').getByLabel('Show the link here').check()
    await confirm(page, 'Start reset')
    const dialog = page.getByRole('dialog', { name: `Password link for ${email}` })
    await dialog.getByText('It works once, until').waitFor()
    await expectAccessible(t, page, 'the link')
    await expectNarrow(t, page, 'the link')
    await click(page, 'Copy')
    await dialog.getByText('The one-time link is copied.').waitFor()
    const link = String(await page.evaluate('navigator.clipboard.readText()'))
    t.match(link, /^https:\/\/auth\.test\/account#reset=lk_ot_/)
    await click(page, 'Done')
    t.notOk((await page.content()).includes('lk_ot_'), 'the page does not keep it')
    t.equal(await page.getByLabel('One-time link', { exact: true }).inputValue(), '')

    t.equal((await client.send('GET', '/me')).statusCode, 200, 'nothing ends before the link is used')
    t.equal(await reset(link), 204)
    t.equal(await login(email, newPassword), 200)
    t.notOk(
      mailServer.received.some(({ to, link: mailed }) => to === email && mailed !== ''),
      'it was not mailed too'
    )
  })

  t.test('the mails of a person, and those of everybody that failed, are shown with the reply', async (t) => {
    const { email, client } = await newPerson(app)
    mailServer.behaviour = 'refuses'
    const page = await openPerson(t, email)
    await click(page, 'Password reset…')
    await confirm(page, 'Start reset')
    await says(page, `A mail to ${email} with a link for a new password is on its way.`)
    const url = `/admin/mails?state=bounced&user_id=${await userIdOf(client)}`
    await until(async () => (await ops.send('GET', url)).json().mails.length === 1)
    mailServer.behaviour = 'accepts'
    await page.reload()
    const failed = page.locator('#mail-failed').getByRole('listitem').filter({ hasText: email })
    await failed.waitFor()
    t.match(await failed.allInnerTexts(), [/Link for a new password\s+Bounced.*No such person here/s])
    t.match(await page.locator('#mail-counts').allInnerTexts(), [/Sent\s+[1-9].*Bounced\s+[1-9]/s])

    await failed.getByRole('button', { name: email }).click()
    const own = page.getByRole('article').getByRole('listitem').filter({ hasText: 'Link for a new password' })
    await own.filter({ hasText: 'Bounced' }).first().waitFor()
    t.equal(await page.evaluate('document.activeElement.textContent'), email)
    await page.locator('.timeline').getByText('Mail refused by its server').waitFor()
    await expectAccessible(t, page, 'the mails')
    await expectNarrow(t, page, 'the mails')
  })

  t.test('an admin invites a person by mail, and another by a link', async (t) => {
    const page = await open(t, { path: '/console', email: operator })
    const [ada, bob] = [newEmail(), newEmail()]
    const dialog = page.getByRole('dialog', { name: 'Invite a person' })
    await click(page, 'Invite…')
    await dialog.getByLabel('E-mail address').fill(operator)
    await confirm(page, 'Invite')
    await dialog.getByRole('alert').filter({ hasText: 'An account with this address already exists.' }).waitFor()
    await dialog.getByLabel('E-mail address').fill(ada)
    await dialog.getByLabel('Roles').fill('reader, editor')
    await dialog.getByLabel('Language').selectOption('German')
    await expectAccessible(t, page, 'the invitation')
    await expectNarrow(t, page, 'the invitation')
    await confirm(page, 'Invite')
    await says(page, `An invitation to ${ada} is on its way.`)
    await page.getByRole('heading', { name: ada }).waitFor()
    await page.getByText('The address is confirmed.').waitFor()
    t.match((await mailServer.mailTo(ada)).link, /#invitation=lk_ot_/)
    const { users } = (await ops.send('GET', `/admin/users?email=${ada}`)).json()
    t.match(users, [{ roles: ['reader', 'editor'] }])

    await click(page, 'Invite…')
    await dialog.getByLabel('E-mail address').fill(bob)
    await dialog.getByLabel('Show the link here').check()
    await confirm(page, 'Invite')
    await page
      .getByRole('dialog', { name: `Invitation for ${bob}` })
      .getByText('for 7 days')
      .waitFor()
    const link = await page.getByLabel('One-time link', { exact: true }).inputValue()
    await click(page, 'Done')
    t.equal(await reset(link), 204)
    t.equal(await login(bob, newPassword), 200)
  })

  t.test('without mail, a link is shown, and the page says why', async (t) => {
    const without = await openService(t, database, { ...admin, HOST: '0.0.0.0' })
    const { email } = await newPerson(without)
    const page = await openPerson(t, email, await listen(without))
    await page.getByText('Mail is off: set MAIL_URL and MAIL_FROM.').waitFor()
    await click(page, 'Compromised…')
    t.equal(await page.locator('#dialog').getByLabel('Show the link here').count(), 0)
    await confirm(page, 'End all sessions and reset')
    await page.getByRole('dialog', { name: `Password link for ${email}` }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    // The event of the closed dialog, which clears the field, comes a moment later.
    const isEmpty = async () => (await page.locator('#once-field').inputValue()) === ''
    await until(isEmpty)
    t.ok(await isEmpty(), 'the closed dialog keeps no link')
  })

  t.test('no page violated its policy or threw an error', async (t) => {
    t.strictSame(allFaults.flat(), [])
    t.ok(allFaults.length >= 5)
  })
}

/** Browsers treat http://localhost as secure, so they accept secure cookies. */
async function listen(app: Awaited<ReturnType<typeof openService>>): Promise<string> {
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  return `http://localhost:${port}`
}

const says = (page: Page, text: string) => page.getByRole('status').filter({ hasText: text }).waitFor()
const click = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()
const confirm = (page: Page, name: string) =>
  page.getByRole('dialog').getByRole('button', { name, exact: true }).click()
