import t from 'tap'
import { type MailKind, mailKinds } from '../../src/core/mail.js'
import { englishPage, type PageWord } from '../../src/languages/english-page.js'
import { shipped } from '../../src/languages/shipped.js'

const placeholdersIn = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => String(name))

for (const [tag, { mails, page }] of shipped) {
  t.test(`${tag} has every mail, and each mail uses all its placeholders`, async (t) => {
    t.same(Object.keys(mails).sort(), Object.keys(mailKinds).sort())
    for (const [kind, { paragraphs, details }] of Object.entries(mails)) {
      const { parameters, ...about } = mailKinds[kind as MailKind]
      const used = placeholdersIn([...paragraphs, ...Object.values(details ?? {})].join())
      const told = [...parameters, ...('link' in about ? ['button', 'link_life'] : [])]
      for (const name of told) t.ok(used.includes(name), `${kind} tells {${name}}`)
    }
  })

  t.test(`${tag} has every word of the page, with the values of the English one`, async (t) => {
    t.same(Object.keys(page).sort(), Object.keys(englishPage).sort())
    for (const [key, english] of Object.entries(englishPage)) {
      t.same(placeholdersIn(page[key as PageWord]).sort(), placeholdersIn(english).sort(), key)
      t.not(page[key as PageWord].trim(), '', key)
    }
  })
}
