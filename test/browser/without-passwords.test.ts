// One file with one browser and one service, because a browser starts slowly.
import type { FastifyInstance } from 'fastify'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import t from 'tap'
import { httpPlugin } from '../../src/http/plugin.js'
import { expectAccessible, expectNarrow } from '../support/browser/accessibility.js'
import { faultsOf, fileTimeoutMilliseconds, openBrowser, openProfile } from '../support/browser/chromium.js'
import { openTestDatabase } from '../support/database.js'
import { freePort } from '../support/faults/postgres-cluster.js'
import { newHost, openPluginOptions } from '../support/host.js'
import { type MailServer, openMailServer } from '../support/mail/mail-server.js'

t.setTimeout(fileTimeoutMilliseconds)
const browser = await openBrowser(t)
if (browser !== undefined) await testPagesWithoutPasswords(browser)

/** A host whose page /enter signs in the person of its query. */
async function openHost(mailServer: MailServer, accountUrl: string): Promise<FastifyInstance> {
  const database = await openTestDatabase(t, { kind: 'embedded' })
  const { MAIL_URL: mailUrl, MAIL_FROM: mailFrom } = mailServer.settings
  const settings = { passwordLogin: false, rateLimitEnabled: false, mailUrl, mailFrom, accountUrl } as const
  const app = newHost(t)
  await app.register(httpPlugin, await openPluginOptions(t, database, settings))
  app.get<{ Querystring: { id: string; email: string; roles?: string } }>('/enter', async ({ query }, reply) => {
    const { id: externalId, email, roles } = query
    const vouched = { email, emailVerified: true }
    await app.latchkey.startSession(reply, { externalId, ...vouched, amr: ['fed'], roles: roles?.split(',') ?? [] })
    return reply.redirect('/account')
  })
  return app
}

async function testPagesWithoutPasswords(browser: Browser): Promise<void> {
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const mailServer = await openMailServer(t)
  const app = await openHost(mailServer, `${origin}/account`)
  await app.listen({ host: '127.0.0.1', port })

  async function openPage(options: BrowserContextOptions = {}) {
    const page = await (await openProfile(t, browser, options)).newPage()
    return { page, faults: faultsOf(page, origin) }
  }
  const expectNoPassword = async (page: Page, what: string) => {
    t.equal(await page.locator('input[type="password"]:visible').count(), 0, `${what}: no field for a password`)
    await expectAccessible(t, page, what)
    await expectNarrow(t, page, what)
  }

  for (const path of ['/account', '/console']) {
    await t.test(`${path} says how to sign in, and has no field for a password`, async (t) => {
      const { page, faults } = await openPage()
      await page.goto(origin + path)
      await page.getByText('Sign in at the app that this account belongs to. Then come back here.').waitFor()
      t.equal(await page.getByLabel('E-mail', { exact: true }).isVisible(), false)
      t.equal(await page.getByRole('button', { name: 'Create an account instead' }).count(), 0)
      await expectNoPassword(page, path)
      t.strictSame(faults, [])
    })
  }

  await t.test('a link for a password says that it cannot be used, in the language of the browser', async (t) => {
    const { page } = await openPage()
    for (const link of ['invitation=lk_ot_x', 'reset=lk_ot_x']) {
      await page.goto(`${origin}/account#${link}`)
      await page.getByRole('heading', { name: 'Nobody signs in with a password here' }).waitFor()
      await page.getByText('So this link cannot be used.').waitFor()
      await page.getByText('Sign in at the app that this account belongs to.').first().waitFor()
      t.notMatch(page.url(), 'lk_ot_', 'the address has no token')
      await expectNoPassword(page, link)
    }
    await page.goto(`${origin}/account#forgot`)
    await page.getByRole('heading', { name: 'Nobody signs in with a password here' }).waitFor()
    t.equal(await page.getByText('So this link cannot be used.').count(), 0)
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor()

    const { page: german } = await openPage({ locale: 'de-DE' })
    await german.goto(`${origin}/account#invitation=lk_ot_x`)
    await german.getByRole('heading', { name: 'Hier meldet sich niemand mit einem Passwort an' }).waitFor()
    await german.getByText('Deshalb lässt sich dieser Link nicht verwenden.').waitFor()
  })

  await t.test('a person whom the app has signed in uses /account, and no password is asked for', async (t) => {
    const { page, faults } = await openPage()
    await page.goto(`${origin}/enter?id=ada&email=ada@example.org`)
    await page.getByText('This device', { exact: true }).waitFor()
    await page.getByText('Mails about your account go to this address.').waitFor()
    await page.getByText('You sign in at an app. A new address does not change that.').waitFor()
    await page.getByText('You always get a mail when your address changes.').waitFor()
    t.equal(await page.getByText('your password').count(), 0)
    await expectNoPassword(page, 'the account')
    await page.getByRole('button', { name: 'Delete the account…' }).click()
    await expectNoPassword(page, 'the question')
    await page.getByRole('dialog').getByRole('button', { name: 'Delete the account' }).click()
    await page.getByRole('heading', { name: 'Your account is deleted' }).waitFor()
    t.strictSame(faults, [])
  })

  await t.test('a changed address is undone, no page names a password, and no mail has a link for one', async (t) => {
    const [old, address] = ['grace@example.org', 'grace@example.net']
    const { page, faults } = await openPage()
    await page.goto(`${origin}/enter?id=grace&email=${old}`)
    await page.getByRole('button', { name: 'Change…' }).click()
    await page.getByLabel('New address').fill(address)
    await page.getByRole('button', { name: 'Mail the link' }).click()
    await page.goto((await mailServer.mailTo(address)).link)
    await page.getByRole('button', { name: 'Change the address' }).click()
    await page.getByRole('heading', { name: 'The address is changed' }).waitFor()
    const undo = (await mailServer.mailTo(old)).link

    await page.goto(undo)
    await page.getByText('Your account gets its old address back, and all its devices are signed out.').waitFor()
    await expectNoPassword(page, 'the undo')
    await page.getByRole('button', { name: 'Undo the change' }).click()
    await page.getByText('Your account has its old address again. All its devices are signed out.').waitFor()
    await page.getByText('Sign in at the app that this account belongs to.').first().waitFor()
    t.equal(
      await page
        .getByText(/password/)
        .locator('visible=true')
        .count(),
      0
    )
    await mailServer.mailTo(address, 1)
    t.equal(mailServer.received.filter(({ to }) => to === old).length, 1, 'no mail with a link for a password')
    t.strictSame(faults, [])
  })

  await t.test('an admin whom the app has signed in uses /console, which offers nothing with a password', async (t) => {
    const { page, faults } = await openPage()
    await page.goto(`${origin}/enter?id=ops&email=ops@example.org&roles=admin`)
    await page.goto(`${origin}/console`)
    const found = page.getByRole('list', { name: 'Found people' })
    await found.getByRole('button', { name: 'ops@example.org' }).click()
    await page.getByRole('button', { name: 'Attributes…' }).waitFor()
    for (const name of ['Invite…', 'Password reset…', 'Compromised…'])
      t.equal(await page.getByRole('button', { name }).isVisible(), false, name)
    await expectNoPassword(page, 'the console')
    t.strictSame(faults, [])
  })
}
