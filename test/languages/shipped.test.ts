import t from 'tap'
import { type MailKind, mailKinds } from '../../src/core/mail.js'
import { englishPage, type PageWord } from '../../src/languages/english-page.js'
import { shipped } from '../../src/languages/shipped.js'

const placeholdersIn = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => String(name))

for (const [tag, { mails, page }] of shipped) {
  t.test(`${tag} has every mail, and names only what the mail knows`, async (t) => {
    t.same(Object.keys(mails).sort(), Object.keys(mailKinds).sort())
    for (const [kind, { subject, paragraphs, button }] of Object.entries(mails)) {
      const { parameters, ...known } = mailKinds[kind as MailKind]
      const used = new Set(placeholdersIn([subject, ...paragraphs].join(' ')))
      for (const name of used) t.ok(['account_url', ...parameters].includes(name), `${kind}: {${name}}`)
      for (const name of parameters) t.ok(used.has(name), `${kind} tells {${name}}`)
      t.equal(button !== undefined, 'link' in known, `${kind} has a button if it has a link`)
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
