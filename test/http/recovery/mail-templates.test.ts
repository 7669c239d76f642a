import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ConfigError } from '../../../src/config/read-config.js'
import latchkey from '../../../src/plugin.js'
import { openTestDatabase, sql } from '../../support/database.js'
import { newHost, testOptions } from '../../support/host.js'
import { newPerson } from '../../support/http/people.js'
import { openMailServer } from '../../support/mail/mail-server.js'
import { openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const mailServer = await openMailServer(t)

async function folderOf(t: Test, files: Readonly<Record<string, object>>): Promise<string> {
  const folder = t.testdir({})
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), JSON.stringify(content))
  return folder
}

const dutch = {
  words: { unknown: 'onbekend', browser_on_system: '{browser} op {system}', bare_link: 'Of open:', footer: '{site}' },
  mails: {
    password_reset: { subject: 'Nieuw wachtwoord', paragraphs: ['Hier is de link.', '{button}'], button: 'Kiezen' }
  },
  page: { sign_in: 'Inloggen' }
}

t.test('a language of MAIL_TEMPLATES is in mails, on the page and in /features', async (t) => {
  const MAIL_TEMPLATES = await folderOf(t, { 'nl.json': dutch })
  const app = await openService(t, database, { ...mailServer.settings, MAIL_TEMPLATES })
  const { email } = await newPerson(app)
  const forget = () => app.inject({ method: 'POST', url: '/password/forgot', payload: { email } })

  await sql(database, `UPDATE "user" SET locale = 'nl-BE' WHERE email = $1`, email)
  await forget()
  const mail = await mailServer.mailTo(email)
  t.equal(mail.subject, 'Nieuw wachtwoord')
  for (const part of [
    'Content-Language: nl',
    'Hier is de link.',
    `Kiezen:\r\n${mail.link}`,
    '<html lang="nl" dir="ltr">'
  ])
    t.ok(mail.content.includes(part), part)

  await sql(database, `UPDATE "user" SET locale = 'de-CH' WHERE email = $1`, email)
  await forget()
  t.match((await mailServer.mailTo(email, 1)).content, 'Content-Language: de\r\n')

  t.same((await app.inject('/features')).json().locales, ['en', 'de', 'nl'])
  t.match((await app.inject('/account/assets/words-nl.json')).json(), { sign_in: 'Inloggen', sign_out: 'Sign out' })
})

t.test('a start with mistakes in the folder fails, and names them all', async (t) => {
  const paragraphs = ['{divice}', '{button}']
  const mailTemplates = await folderOf(t, {
    'nl.json': { ...dutch, mails: { new_device: { subject: '{naam}', paragraphs, button: 'x' } } },
    'fr.json': { page: { sign_inn: 'x' } }
  })
  const mistakes = [
    'fr.json: page.sign_inn is not known. Did you mean sign_in?',
    'nl.json: mails.new_device.subject has {naam}',
    'nl.json: mails.new_device.paragraphs has {divice}'
  ]
  const service = await openService(t, database, { MAIL_TEMPLATES: mailTemplates }).catch((error) => error)
  const host = newHost(t)
  const plugin = await host.register(latchkey, { ...testOptions, mailTemplates }).then(
    () => undefined,
    (error) => error
  )
  for (const [error, setting] of [
    [service, 'MAIL_TEMPLATES'],
    [plugin, 'mailTemplates']
  ]) {
    t.ok(error instanceof ConfigError, String(error))
    t.equal(error.problems.length, mistakes.length)
    for (const [index, mistake] of mistakes.entries()) t.ok(error.problems[index].startsWith(`${setting}: ${mistake}`))
  }
})
