import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { mailRenderer } from '../../../../src/adapters/mail/templates/render.js'
import { readTemplates } from '../../../../src/adapters/mail/templates/template-folder.js'
import { type MailKind, mailKinds } from '../../../../src/core/mail.js'
import { english } from '../../../../src/languages/english.js'
import { german } from '../../../../src/languages/german.js'
import { shipped } from '../../../../src/languages/shipped.js'

type Files = Readonly<Record<string, string | Buffer | object>>

async function folderOf(t: Test, files: Files): Promise<string> {
  const folder = t.testdir({})
  for (const [name, content] of Object.entries(files)) {
    const isText = typeof content === 'string' || Buffer.isBuffer(content)
    await writeFile(join(folder, name), isText ? content : JSON.stringify(content))
  }
  return folder
}

const context = {
  parameters: { device: 'Phone', at: '2026-11-28T13:30:00Z', ip: '203.0.113.7', user_agent: 'curl/8' },
  recipient: 'ada@example.org',
  accountUrl: 'https://auth.test/account',
  link: 'https://auth.test/account#invitation=lk_ot_x'
}

const french = {
  words: {
    unknown: 'inconnu',
    browser_on_system: '{browser} sous {system}',
    bare_link: 'Ou bien :',
    footer: 'Un compte de {site}.'
  },
  mails: {
    invitation: { subject: 'Vous êtes invité', paragraphs: ['Bienvenue. {link_life}', '{button}'], button: 'Commencer' }
  },
  page: { sign_in: 'Se connecter' }
}

t.test('a folder adds languages, changes some words, and brands all mails', async (t) => {
  const folder = await folderOf(t, {
    'fr.json': french,
    'de.json': {
      mails: { invitation: { subject: 'Servus', paragraphs: ['Hier: {link}'] } },
      page: { sign_out: 'Raus' }
    },
    'de-AT.json': { page: { sign_in: 'Eini' } },
    'layout.html':
      '<html lang="{locale}" dir="{direction}"><style>p{color:red}</style><b>{subject}</b>{content}<i>{footer}</i>',
    'layout.txt': '\uFEFF*** {site} ***\n{content}',
    'README.md': 'of the host',
    '.hidden.json': 'of the host'
  })
  await mkdir(join(folder, '..data'))
  const { templates, faults } = await readTemplates(folder)
  t.same(faults, [])
  const { catalogues, layouts } = templates
  t.same([...catalogues.keys()], ['en', 'de', 'fr', 'de-AT'])
  const render = mailRenderer(catalogues, layouts)

  const invitation = render('invitation', 'fr-CA', context)
  t.match(invitation, { language: 'fr', subject: 'Vous êtes invité' })
  t.equal(
    invitation.text.replaceAll('\u00A0', ' '),
    `*** auth.test ***\nBienvenue. 7 jours\n\nCommencer:\n${context.link}`
  )
  t.ok(invitation.html.startsWith('<html lang="fr" dir="ltr"><style>p{color:red}</style><b>Vous êtes invité</b><p'))
  t.ok(invitation.html.endsWith('<i>Un compte de auth.test.</i>'))

  // Each mail is in one language: a mail that French lacks is all in English.
  t.match(render('new_device', 'fr', context), { language: 'en', text: 'IP address: 203.0.113.7' })
  t.match(render('new_device', 'de-AT', context), { language: 'de', text: 'IP-Adresse: 203.0.113.7' })
  t.match(render('invitation', 'de-AT', context), { language: 'de', subject: 'Servus' })

  t.same(catalogues.get('fr')?.page, { ...english.page, sign_in: 'Se connecter' })
  t.same(catalogues.get('de-AT')?.page, { ...german.page, sign_out: 'Raus', sign_in: 'Eini' })
})

t.test('the words of the package are a template that can be copied', async (t) => {
  const files = Object.fromEntries([...shipped].map(([tag, words]) => [`${tag}.json`, words]))
  const { faults } = await readTemplates(await folderOf(t, { ...files, 'nl.json': english }))
  t.same(faults, [])
})

const words = (kind: MailKind, mail: object) => ({ mails: { [kind]: mail } })

const mistakes: readonly [string, Files, ...string[]][] = [
  ['a file that is not JSON', { 'de.json': '{' }, 'de.json: is not JSON: '],
  ['a file that is not an object', { 'de.json': '[]' }, 'de.json: the file must be an object.'],
  ['a part that is not an object', { 'de.json': { mails: 'x' } }, 'de.json: mails must be an object.'],
  ['a file that is not UTF-8', { 'de.json': Buffer.from([0xff]) }, 'de.json: is not text in UTF-8.'],
  [
    'a file that is too large',
    { 'layout.html': `{content}${'x'.repeat(70_000)}` },
    'layout.html: is larger than 64 KiB.'
  ],
  [
    'a name that is no tag',
    { 'de_AT.json': '{}' },
    'de_AT.json: is not known. Files are layout.html, layout.txt, and LOCALE.json'
  ],
  ['a tag in another case', { 'de-at.json': '{}' }, 'de-at.json: is not known.'],
  ['another text', { 'layot.html': '{content}' }, 'layot.html: is not known.'],
  ['a folder without templates', { 'README.md': '' }, 'The folder '],
  [
    'a mail that does not exist',
    { 'de.json': words('password_rest' as MailKind, {}) },
    'de.json: mails.password_rest is not known. Did you mean password_reset?'
  ],
  [
    'a word that does not exist',
    { 'de.json': { words: { foooter: 'x' } } },
    'de.json: words.foooter is not known. Did you mean footer?'
  ],
  [
    'a word of the page that does not exist',
    { 'de.json': { page: { __proto__x: 'x' } } },
    'de.json: page.__proto__x is not known.'
  ],
  [
    'a mail without a subject',
    { 'de.json': words('account_exists', { paragraphs: ['x'] }) },
    'de.json: mails.account_exists lacks subject.'
  ],
  [
    'a subject of two lines, and no paragraph',
    { 'de.json': words('account_exists', { subject: 'a\nBcc: b', paragraphs: [] }) },
    'de.json: mails.account_exists.subject must be one line.',
    'de.json: mails.account_exists.paragraphs must have a paragraph.'
  ],
  [
    'a misspelt member',
    { 'de.json': words('account_exists', { subject: 'a', paragraphs: ['b'], buton: 'c' }) },
    'de.json: mails.account_exists.buton is not known. Did you mean button?'
  ],
  [
    'a placeholder of another mail',
    {
      'de.json': words('password_changed', {
        subject: '{device}',
        paragraphs: ['{ips}'],
        details: { A: '{new_email}' }
      })
    },
    'de.json: mails.password_changed.subject has {device}, which is not known there. It can have {at}, {ip}, {user_agent}, {account_url}, {site}, {recipient}.',
    'de.json: mails.password_changed.paragraphs has {ips}, which is not known there.',
    'de.json: mails.password_changed.details.A has {new_email}, which is not known there.',
    'de.json: mails.password_changed.details is not used. Add the paragraph {details}.'
  ],
  [
    'a mail that needs a link and has none',
    { 'de.json': words('password_reset', { subject: 'a', paragraphs: ['b'] }) },
    'de.json: mails.password_reset has no link. Add the paragraph {button} and the words of its button, or write {link} in a paragraph.'
  ],
  [
    'a link in the subject, where lists of mails show it',
    { 'de.json': words('password_reset', { subject: '{link}', paragraphs: ['{link}'] }) },
    'de.json: mails.password_reset.subject has {link}, which is not known there.'
  ],
  [
    'a button without its paragraph, and a paragraph without its button',
    {
      'de.json': words('account_exists', { subject: 'a', paragraphs: ['b'], button: 'c' }),
      'en.json': words('account_exists', { subject: 'a', paragraphs: ['{button}'] })
    },
    'de.json: mails.account_exists.button is not used. Add the paragraph {button}.',
    'en.json: mails.account_exists has the paragraph {button}, and lacks button.'
  ],
  [
    'a button inside a paragraph',
    { 'de.json': words('account_exists', { subject: 'a', paragraphs: ['here: {button}'] }) },
    'de.json: mails.account_exists.paragraphs has {button}, which is not known there. It can have {account_url}, {site}, {recipient}. {button} and {details} are paragraphs by themselves.'
  ],
  [
    'a brace without a placeholder',
    { 'de.json': words('account_exists', { subject: 'a', paragraphs: ['b { site }'] }) },
    'de.json: mails.account_exists.paragraphs has a brace without a placeholder.'
  ],
  [
    'another value in a word of the page',
    { 'de.json': { page: { too_many_attempts: '{minutes}' } } },
    'de.json: page.too_many_attempts has {minutes}, which is not known there. It can have {when}.'
  ],
  [
    'a new language whose mails would end in English',
    { 'fr.json': { mails: french.mails, words: { ...french.words, footer: undefined } } },
    'fr.json: words.footer is missing, which mails need. In English: "This mail is about an account at {site}.".'
  ],
  ['a layout without its content', { 'layout.txt': '{subject}' }, 'layout.txt: has no {content}, where the mail goes.'],
  [
    'a layout with an unknown placeholder',
    { 'layout.html': '{content} {foter}' },
    'layout.html: {foter} is not known. A layout can have {content}, '
  ]
]

for (const [name, files, ...expected] of mistakes) {
  t.test(`refused: ${name}`, async (t) => {
    const { faults } = await readTemplates(await folderOf(t, files))
    t.equal(faults.length, expected.length, faults.join('\n'))
    for (const [index, begin] of expected.entries()) t.equal(faults[index]?.slice(0, begin.length), begin)
  })
}

t.test('refused: a folder that is not there', async (t) => {
  const { faults } = await readTemplates(join(t.testdir({}), 'nothing'))
  t.match(faults, [/^The folder .*nothing cannot be read \(ENOENT\)\.$/])
})

t.test('each mail of the package is refused if a placeholder in it is misspelt', async (t) => {
  for (const kind of Object.keys(mailKinds) as MailKind[]) {
    const { paragraphs, ...mail } = english.mails[kind]
    const files = { 'en.json': words(kind, { ...mail, paragraphs: [...paragraphs, '{placeholder}'] }) }
    t.match((await readTemplates(await folderOf(t, files))).faults, [`mails.${kind}.paragraphs has {placeholder}`])
  }
})
