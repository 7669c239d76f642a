// One file with one browser and one service, because a browser starts slowly.
import type { Browser, Page } from 'playwright-core'
import t from 'tap'
import { expectAccessible, expectNarrow } from '../support/browser/accessibility.js'
import { faultsOf, fileTimeoutMilliseconds, openBrowser, openProfile } from '../support/browser/chromium.js'
import { openTestDatabase, sql } from '../support/database.js'
import { adminEmail, openAdminService, userIdOf } from '../support/http/admin.js'
import { newPerson } from '../support/http/people.js'
import { goodPassword } from '../support/service.js'

t.setTimeout(fileTimeoutMilliseconds)
const browser = await openBrowser(t)
if (browser !== undefined) await testAttributesInConsole(browser)

async function testAttributesInConsole(browser: Browser): Promise<void> {
  const database = await openTestDatabase(t, { kind: 'embedded' })
  const { app, admin } = await openAdminService(t, database, { TOKEN_ATTRIBUTES: 'plan' })
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  // Browsers treat http://localhost as secure, so they accept secure cookies.
  const origin = `http://localhost:${port}`
  const { client, email } = await newPerson(app)
  const id = await userIdOf(client)
  await client.send('PATCH', '/me/profile', { payload: { locale: 'de', theme: { dark: true }, about: '<b>"ü"</b>' } })
  const patch = (attributes: object) => admin.send('PATCH', `/admin/users/${id}`, { payload: { attributes } })
  const attributes = async () => (await admin.send('GET', `/admin/users/${id}`)).json().attributes

  const page = await (await openProfile(t, browser)).newPage()
  const faults = faultsOf(page, origin)
  await page.goto(`${origin}/console`)
  await page.getByLabel('E-mail', { exact: true }).fill(adminEmail)
  await page.getByRole('textbox', { name: 'Password', exact: true }).fill(goodPassword)
  await click(page, 'Sign in')
  await page.getByRole('list', { name: 'Found people' }).getByRole('button', { name: email }).click()
  const person = page.getByRole('article')
  const dialog = page.getByRole('dialog', { name: `Attributes of ${email}` })
  const field = dialog.getByLabel('Attributes, as JSON')
  const fault = dialog.getByRole('alert')
  const save = () => dialog.getByRole('button', { name: 'Save' }).click()
  const saved = () =>
    page
      .getByRole('status')
      .filter({ hasText: `The attributes of ${email} are saved.` })
      .waitFor()

  await t.test('the page of a person shows attributes and profile as JSON', async (t) => {
    const profile = person.getByRole('group', { name: 'Profile' })
    await profile.waitFor()
    t.strictSame(JSON.parse((await profile.textContent()) ?? ''), {
      locale: 'de',
      theme: { dark: true },
      about: '<b>"ü"</b>'
    })
    t.match(await profile.textContent(), '\n  "', 'in lines')
    t.equal(await person.getByRole('group', { name: 'Attributes' }).count(), 0, 'there are none yet')
  })

  await t.test('an admin edits the attributes as JSON', async (t) => {
    await click(page, 'Attributes…')
    t.equal(await field.inputValue(), '{}')
    await field.fill('{ "plan": "free", "seats": { "paid": 1, "used": 1 }, "tags": ["a", null] }')
    await save()
    await saved()
    t.strictSame(await attributes(), { plan: 'free', seats: { paid: 1, used: 1 }, tags: ['a', null] })
    const shown = await person.getByRole('group', { name: 'Attributes' }).textContent()
    t.strictSame(JSON.parse(shown ?? ''), await attributes())
    await person.getByText('Attributes changed').waitFor()
    await expectAccessible(t, page, 'the person')
    await expectNarrow(t, page, 'the person')
  })

  await t.test('what cannot be attributes is refused by a sentence, and the text stays', async (t) => {
    const before = await attributes()
    await click(page, 'Attributes…')
    const deep = `${'{"a":'.repeat(21)}1${'}'.repeat(21)}`
    for (const [text, sentence] of [
      ['{"plan": "pro"', /^This is not JSON: ./],
      ['', /^This is not JSON: ./],
      ['["pro"]', 'This must be an object: begin with { and end with }.'],
      ['{"plan":"pro","plan":"free"}', '“plan” is there twice.'],
      [deep, '“a” is nested deeper than 20 levels.'],
      [`{"a":"${'ü'.repeat(4100)}"}`, 'This has 8208 bytes of JSON, and at most 8192 fit.'],
      [`{"plan":"${'x'.repeat(1100)}"}`, /would make those in access tokens \(plan\) longer than 1024 bytes\.$/],
      ['{"__proto__":{"a":1}}', 'No member can have the name __proto__.'],
      ['{"constructor":{"prototype":{}}}', /^This must have no member __proto__, and no member constructor/],
      ['{"a":{"b":null}}', '“b” is null: leave it out to remove it.'],
      ['{"a":1e400}', '“a” has a number that is too large.']
    ] as const) {
      await field.fill(text)
      await save()
      await fault.filter({ hasText: sentence }).waitFor()
      t.equal(await field.inputValue(), text, String(sentence))
      t.equal(await page.evaluate('document.activeElement.id'), 'attributes-text', 'the field has the focus')
    }
    await expectAccessible(t, page, 'the dialog with a refusal')
    await expectNarrow(t, page, 'the dialog with a refusal')
    t.strictSame(await attributes(), before)

    await field.fill('{"unsaved":true}')
    await page.keyboard.press('Escape')
    await fault.filter({ hasText: 'This is not saved yet.' }).waitFor()
    t.equal(await field.inputValue(), '{"unsaved":true}')
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await dialog.waitFor({ state: 'hidden' })
    t.strictSame(await attributes(), before)
    await click(page, 'Attributes…')
    t.strictSame(JSON.parse(await field.inputValue()), before, 'the dialog begins anew')
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
  })

  await t.test(
    'what another admin changes meanwhile stays, and an admin who changed the same member is warned',
    async (t) => {
      await click(page, 'Attributes…')
      await patch({ added: 1, seats: { used: 2 } })
      const typed = '{"plan":"pro","seats":{"paid":1,"used":1}}'
      await field.fill(typed)
      await patch({ plan: 'trial' })
      await save()
      await fault
        .filter({ hasText: 'Somebody else has changed “plan” to "trial" meanwhile. Save again to replace that.' })
        .waitFor()
      t.equal(await field.inputValue(), typed)
      t.match(await attributes(), { plan: 'trial', added: 1 })
      await save()
      await saved()
      t.strictSame(await attributes(), { plan: 'pro', added: 1, seats: { paid: 1, used: 2 } })

      await click(page, 'Attributes…')
      await field.fill('{"plan":"free","added":1,"seats":{"paid":1,"used":2}}')
      await patch({ plan: null })
      await save()
      await fault.filter({ hasText: 'Somebody else has removed “plan” meanwhile.' }).waitFor()
      await dialog.getByRole('button', { name: 'Cancel' }).click()
    }
  )

  await t.test('a login of long ago asks for the password first, and the text is still there', async (t) => {
    await sql(database, `UPDATE session SET auth_time = auth_time - interval '1 day'`)
    await page.reload()
    await page.getByRole('list', { name: 'Found people' }).getByRole('button', { name: email }).click()
    await click(page, 'Attributes…')
    const typed = '{"kept":true}'
    await field.fill(typed)
    await save()
    const asked = page.getByRole('dialog', { name: 'Confirm that it is you' })
    await asked.getByRole('button', { name: 'Cancel' }).click()
    await fault.filter({ hasText: 'you did not confirm your password' }).waitFor()
    t.equal(await field.inputValue(), typed)
    await save()
    await asked.getByLabel('Your password').fill(goodPassword)
    await asked.getByRole('button', { name: 'Continue' }).click()
    await saved()
    t.strictSame(await attributes(), { kept: true })
  })

  t.strictSame(faults, [], 'the page violated no policy and threw no error')
}

function click(page: Page, name: string): Promise<void> {
  return page.getByRole('button', { name, exact: true }).click()
}
