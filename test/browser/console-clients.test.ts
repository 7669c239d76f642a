// One file with one browser and one service, because a browser starts slowly.
import type { Browser, Page } from 'playwright-core'
import t from 'tap'
import { expectAccessible, expectNarrow } from '../support/browser/accessibility.js'
import { faultsOf, fileTimeoutMilliseconds, openBrowser, openProfile } from '../support/browser/chromium.js'
import { openTestDatabase } from '../support/database.js'
import { adminEmail, openAdminService } from '../support/http/admin.js'
import { askForToken } from '../support/http/clients.js'
import { goodPassword } from '../support/service.js'

t.setTimeout(fileTimeoutMilliseconds)
const browser = await openBrowser(t)
if (browser !== undefined) await testClientsOfConsole(browser)

async function testClientsOfConsole(browser: Browser): Promise<void> {
  const { app } = await openAdminService(t, await openTestDatabase(t, { kind: 'embedded' }))
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  // Browsers treat http://localhost as secure, so they accept secure cookies.
  const origin = `http://localhost:${port}`
  const profile = await openProfile(t, browser)
  const page = await profile.newPage()
  const faults = faultsOf(page, origin)
  await page.goto(`${origin}/console`)
  await page.getByLabel('E-mail', { exact: true }).fill(adminEmail)
  await page.getByRole('textbox', { name: 'Password', exact: true }).fill(goodPassword)
  await click(page, 'Sign in')

  const name = 'nightly export of all the reports of every region'
  const clients = page.getByRole('region', { name: 'Clients' })
  const row = clients.getByRole('listitem').filter({ hasText: name })

  /** The status of POST /token for the client that the page shows. */
  async function tokenStatus(secret: string): Promise<number> {
    const id = (await row.locator('code').first().textContent()) ?? ''
    return (await askForToken(app, { id, secret })).statusCode
  }

  /** The secret in the open dialog, which is then closed and keeps nothing. */
  async function readSecretOnce(what: string): Promise<string> {
    const shown = page.getByRole('dialog', { name: `New secret of ${name}` })
    await shown.getByText('It is shown only now').waitFor()
    await expectAccessible(t, page, what)
    await expectNarrow(t, page, what)
    const secret = await shown.getByLabel('Secret', { exact: true }).inputValue()
    await click(page, 'Done')
    await shown.waitFor({ state: 'hidden' })
    return secret
  }

  await t.test('an admin creates a client, and its secret is shown once', async (t) => {
    await clients.getByText('There are no clients.').waitFor()
    await clients.getByRole('button', { name: 'Create…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Create a client' })
    await dialog.getByLabel('Name').fill(name)
    await dialog.getByLabel('Scopes, separated by spaces').fill('reports:read latchkey:feeds')
    await confirm(page, 'Create')
    await dialog
      .getByRole('alert')
      .filter({ hasText: /^latchkey:feeds: must have 1 to 64 characters/ })
      .waitFor()
    await expectAccessible(t, page, 'the form')
    await expectNarrow(t, page, 'the form')
    await dialog.getByLabel('Scopes, separated by spaces').fill('reports:read  latchkey:introspect')
    await confirm(page, 'Create')
    const secret = await readSecretOnce('the first secret')
    t.match(secret, /^lk_cs_/)
    await row.getByText('reports:read latchkey:introspect').waitFor()
    await row.getByText('never used').waitFor()
    t.equal(await tokenStatus(secret), 200)
    await page.reload()
    await row.getByText(`…${secret.slice(-4)}`, { exact: true }).waitFor()
    t.notOk((await page.content()).includes(secret), 'no page shows it again')
    t.equal(await row.getByText('never used').count(), 0)
  })

  await t.test('a second secret works beside the first, which is deleted then', async (t) => {
    await click(page, 'Add second secret')
    const secret = await readSecretOnce('the second secret')
    t.equal(await tokenStatus(secret), 200)
    t.equal(await row.getByRole('button', { name: 'Add second secret' }).count(), 0, 'there are never three')
    await expectAccessible(t, page, 'the client')
    await expectNarrow(t, page, 'the client')
    const first = row.getByRole('button', { name: /^Delete …/ }).filter({ hasNotText: secret.slice(-4) })
    await first.click()
    await confirm(page, 'Delete secret')
    await page.getByRole('status').filter({ hasText: 'The secret is deleted' }).waitFor()
    t.equal(await row.getByRole('button', { name: /^Delete …/ }).count(), 1)
    t.equal(await tokenStatus(secret), 200)
  })

  await t.test('a deleted client is gone from the list', async () => {
    await click(page, 'Delete client…')
    await confirm(page, 'Delete client')
    await page.getByRole('status').filter({ hasText: 'The client is deleted' }).waitFor()
    await clients.getByText('There are no clients.').waitFor()
  })

  t.strictSame(faults, [], 'the page violated no policy and threw no error')
}

function click(page: Page, name: string): Promise<void> {
  return page.getByRole('button', { name, exact: true }).click()
}

function confirm(page: Page, name: string): Promise<void> {
  return page.getByRole('dialog').getByRole('button', { name, exact: true }).click()
}
