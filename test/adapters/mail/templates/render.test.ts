import fc from 'fast-check'
import t from 'tap'
import type { MailContext } from '../../../../src/adapters/mail/sender.js'
import { defaultLayouts } from '../../../../src/adapters/mail/templates/layouts.js'
import { mailRenderer } from '../../../../src/adapters/mail/templates/render.js'
import { type MailKind, mailKinds } from '../../../../src/core/mail.js'
import type { Catalogue } from '../../../../src/languages/catalogue.js'
import { english } from '../../../../src/languages/english.js'
import { shipped } from '../../../../src/languages/shipped.js'

const accountUrl = 'https://auth.test/account'
const link = `${accountUrl}#reset=lk_ot_${'x'.repeat(120)}`
const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0'
const kinds = Object.keys(mailKinds) as MailKind[]

const render = mailRenderer(shipped, defaultLayouts)

function contextOf(kind: MailKind, values: MailContext['parameters'] = {}): MailContext {
  const known: MailContext['parameters'] = {
    at: '2026-11-28T13:30:12.345Z',
    ip: '203.0.113.7',
    user_agent: firefox,
    device: 'Phone of Ada',
    new_email: 'grace@example.org',
    account: 'g…@example.org',
    change: 'totp_added',
    ...values
  }
  const { parameters, ...about } = mailKinds[kind]
  return {
    parameters: Object.fromEntries(parameters.map((name) => [name, known[name] ?? null])),
    recipient: 'ada@example.org',
    accountUrl,
    link: 'link' in about ? link : undefined
  }
}

for (const tag of shipped.keys()) {
  t.test(`each mail in ${tag} is complete as text and as HTML, is small, and has its link`, async (t) => {
    for (const kind of kinds) {
      const context = contextOf(kind)
      const { language, subject, text, html } = render(kind, tag, context)
      t.equal(language, tag)
      t.ok(html.startsWith(`<!doctype html>\n<html lang="${tag}" dir="ltr">`), kind)
      t.ok(html.includes(`<title>${subject}</title>`), kind)
      for (const form of [text, html.replace(/<style>[\s\S]*<\/style>/, '')]) {
        t.notMatch(form, /[{}]|undefined|\[object/, kind)
        if (context.link !== undefined) t.ok(form.includes(context.link), kind)
      }
      // The button, and the address below it for programs that show no button.
      if (context.link !== undefined) t.equal(html.split(`href="${context.link}"`).length, 3, kind)
      t.notMatch(html, /<img|<script|url\(|src=/, kind)
      t.ok(Buffer.byteLength(html) + Buffer.byteLength(text) < 20_000, kind)
    }
  })
}

t.test('a mail is in the language of the account, or the nearest available one, else in English', async (t) => {
  const languageFor = (locale: string | null) => render('invitation', locale, contextOf('invitation')).language
  t.same(['de', 'de-AT', 'DE-ch', 'fr', 'x', '', null].map(languageFor), ['de', 'de', 'de', 'en', 'en', 'en', 'en'])
})

t.test('times, browsers and the life of a link are in words of the language', async (t) => {
  const notice = (tag: string, values = {}) => render('new_device', tag, contextOf('new_device', values)).text
  t.match(
    notice('en'),
    'Time: November 28, 2026 at 13:30 UTC\nBrowser or app: Firefox on Windows\nIP address: 203.0.113.7'
  )
  t.match(notice('de'), 'Zeitpunkt: 28. November 2026 um 13:30 UTC\nBrowser oder App: Firefox unter Windows')
  t.match(notice('en', { user_agent: 'curl/8.5.0' }), 'Browser or app: curl\n')
  t.match(render('password_reset', 'en', contextOf('password_reset')).text, 'once, for 30 minutes.')
  t.match(render('email_change', 'de', contextOf('email_change')).text, 'gilt 24 Stunden und')
  t.match(render('email_changed', 'en', contextOf('email_changed')).text, 'within 7 days.')
})

t.test('a row without a known value is left out, and the table if no row is left', async (t) => {
  const unknown = { device: null, user_agent: null, ip: null }
  const some = render('new_device', 'en', contextOf('new_device', unknown))
  t.match(some.text, /first time\.\n\nTime: [^\n]+\n\nIf this/)
  t.notMatch(some.html, 'IP address')
  const none = render('new_device', 'en', contextOf('new_device', { ...unknown, at: null }))
  t.match(none.text, /first time\.\n\nIf this/)
  t.notMatch(none.html, '<th')
})

/** English, with the texts of strangers in the subject too. */
const personal: Catalogue = {
  ...english,
  mails: {
    ...english.mails,
    new_device: { ...english.mails.new_device, subject: '{device} and {user_agent}', button: 'Go' },
    email_changed: { ...english.mails.email_changed, subject: 'Now {new_email}' }
  }
}
const renderPersonal = mailRenderer(new Map([['en', personal]]), defaultLayouts)

const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom(
        '<a href="https://evil.example">',
        '"><img src=x onerror=alert(1)>',
        "' style='",
        '\r\nBcc: victim@example.org\r\n\r\n',
        '\u2028\u0085\u0000',
        '{link}{content}{account_url}',
        '$&$1',
        'https://evil.example/login?a=b',
        'www.evil.example',
        'evil\u3002example',
        'mailto:evil@evil.example',
        '\u202Emoc.live\u2066',
        '\u200Eשלום',
        '\uD800',
        '&lt;b&gt;'
      )
    ),
    { maxLength: 8 }
  )
  .map((parts) => `x${parts.join('')}`)

const tagsOf = (html: string) => html.match(/<[^>]*>/g)

t.test('text of a stranger adds no tag, attribute, line or link, and changes no direction of text', async (t) => {
  const benign = (kind: MailKind) =>
    renderPersonal(kind, 'en', contextOf(kind, { device: 'x', user_agent: 'x', new_email: 'x' }))
  const kinds = [['new_device', benign('new_device')] as const, ['email_changed', benign('email_changed')] as const]
  fc.assert(
    fc.property(hostile, hostile, fc.integer({ min: 1, max: 60 }), (first, second, times) => {
      const chosen = { device: first.repeat(times), user_agent: second, new_email: first }
      for (const [kind, expected] of kinds) {
        const { subject, text, html } = renderPersonal(kind, 'en', contextOf(kind, chosen))
        const withoutSubject = (form: string, own: string) =>
          form.replace(/<title>[\s\S]*?<\/title>/, '').replaceAll(own, '')
        if (
          String(tagsOf(withoutSubject(html, subject))) !==
          String(tagsOf(withoutSubject(expected.html, expected.subject)))
        )
          return false
        if (text.split(/\r|\n|\u2028|\u2029|\u0085/).length !== expected.text.split('\n').length) return false
        if (/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u.test(subject)) return false
        if (/[\u061C\u200E\u200F\u202A-\u202E\u2066\u2067]/.test(text + html + subject)) return false
        const rows = text.split('\n').filter((row) => /^(Device|New address|Browser or app): /.test(row))
        const values = [subject, ...rows.map((row) => row.slice(row.indexOf(': ') + 2))]
        // Each punctuation mark has a space or U+200B behind it.
        if (values.some((value) => /\p{P}(?![\s\u200B\u2069])./u.test(value))) return false
        if (values.some((value) => value.split('\u2068').length !== value.split('\u2069').length)) return false
        if (Buffer.byteLength(html) + Buffer.byteLength(text) > 20_000) return false
      }
      return true
    }),
    { numRuns: 200 }
  )
  t.pass('for 200 choices')
})

t.test('a long text is cut, and a long address is not', async (t) => {
  const { text } = render('new_device', 'en', contextOf('new_device', { device: 'ä'.repeat(5000) }))
  t.match(text, /Device: ä{100}…\n/)
  const address = `${'a'.repeat(64)}@${'b'.repeat(63)}.${'c'.repeat(63)}.example`
  const changed = render('email_changed', 'en', contextOf('email_changed', { new_email: address })).text
  t.ok(changed.replaceAll('\u200B', '').includes(address))
})

t.test('a mail in a language that is written from right to left says so', async (t) => {
  const { html } = mailRenderer(new Map([['ar', english]]), defaultLayouts)('new_device', 'ar', contextOf('new_device'))
  t.match(html, '<html lang="ar" dir="rtl">')
  t.match(html, 'align="right"')
})
