import { type MailKind, mailKinds } from '../../../core/mail.js'
import type { Catalogues, MailText, MailWords } from '../../../languages/catalogue.js'
import { directionOf } from '../../../languages/direction.js'
import { english } from '../../../languages/english.js'
import { lookUp } from '../../../languages/look-up.js'
import type { MailContext, RenderedMail, RenderMail } from '../sender.js'
import { escaped, type Form, fill, html, plain } from './fill.js'
import type { Layouts, layoutPlaceholders } from './layouts.js'
import { type Value, type Values, valuesOf } from './values.js'

/** Makes the content of mails in the person's language, or in English. */
export function mailRenderer(catalogues: Catalogues, layouts: Layouts): RenderMail {
  const tags = [...catalogues.keys()]
  return (kind, locale, context) => {
    if (!isMailKind(kind)) throw new Error(`This version does not know mails of the kind ${kind}.`)
    const wanted = lookUp([locale ?? 'en'], tags) ?? 'en'
    // A language that lacks a mail borrows the whole mail, so that no mail is in two languages.
    const tag = catalogues.get(wanted)?.borrowed?.[kind] ?? wanted
    const { words, mails } = catalogues.get(tag) ?? english
    return render(mails[kind], words, tag, valuesOf(kind, tag, words, context), context, layouts)
  }
}

const isMailKind = (kind: string): kind is MailKind => Object.hasOwn(mailKinds, kind)

function render(
  mail: MailText,
  words: MailWords,
  locale: string,
  values: Values,
  { accountUrl: account_url, link }: MailContext,
  layouts: Layouts
): RenderedMail {
  const url = link ?? account_url
  const inText = (template: string) => fill(template, values, words.unknown, plain)
  const inHtml = (template: string) => fill(template, values, words.unknown, html)
  const details = Object.entries(mail.details ?? {}).filter(([, value]) => isKnown(value, values))

  const site = new URL(account_url).host
  const direction = directionOf(locale)
  const subject = inText(mail.subject)
  const text = mail.paragraphs.map((paragraph) => {
    if (paragraph === '{button}') return `${mail.button ?? ''}:\n${url}`
    if (paragraph === '{details}') return details.map(([name, value]) => `${name}: ${inText(value)}`).join('\n')
    return inText(paragraph)
  })
  const htmlParts = mail.paragraphs.map((paragraph) => {
    if (paragraph === '{button}') return buttonHtml(mail.button ?? '', url, words.bare_link)
    if (paragraph === '{details}')
      return tableHtml(
        details.map(([name, value]) => [name, inHtml(value)]),
        direction
      )
    return `<p style="margin: 0 0 16px">${inHtml(paragraph)}</p>`
  })

  const around = { subject, preview: text[0] ?? '', footer: inText(words.footer), site, account_url, locale, direction }
  return {
    language: locale,
    subject,
    text: frame(layouts.text, around, text.filter(Boolean).join('\n\n'), plain),
    html: frame(layouts.html, around, htmlParts.filter(Boolean).join('\n'), html)
  }
}

/** Whether at least one placeholder of a text has a value, or the text has no placeholder. */
function isKnown(template: string, values: Values): boolean {
  const used = [...template.matchAll(/\{(\w+)\}/g)].map(([, name = '']): Value => values.get(name))
  return used.length === 0 || used.some((value) => value !== undefined)
}

/** Puts the content of a mail into its layout. Values are not searched for placeholders. */
function frame(layout: string, around: Omit<LayoutValues, 'content'>, content: string, form: Form): string {
  const values: LayoutValues = { ...around, content: '' }
  return layout.replace(/\{(\w+)\}/g, (placeholder, name: string) => {
    if (name === 'content') return content
    return Object.hasOwn(values, name) ? form.text(values[name as keyof LayoutValues]) : placeholder
  })
}

type LayoutValues = Readonly<Record<(typeof layoutPlaceholders)[number], string>>

/** A link that looks like a button. It is in a table cell, because Outlook ignores the padding of links. */
function buttonHtml(words: string, url: string, hint: string): string {
  const address = escaped(url)
  return `<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin: 8px 0 16px">
<tr><td class="button" bgcolor="#0f6b5c" style="border-radius: 6px; background: #0f6b5c; mso-padding-alt: 12px 20px">
<a href="${address}" style="display: inline-block; padding: 12px 20px; color: #ffffff; font-weight: 600; text-decoration: none">${escaped(words)}</a>
</td></tr>
</table>
<p class="muted" style="margin: 0 0 16px; color: #59616a; font-size: 13px">${escaped(hint)}<br>
<a href="${address}" style="color: #0f6b5c; word-break: break-all">${address}</a></p>`
}

function tableHtml(rows: readonly (readonly [string, string])[], direction: 'ltr' | 'rtl'): string {
  if (rows.length === 0) return ''
  const [start, padding] = direction === 'ltr' ? ['left', '2px 16px 2px 0'] : ['right', '2px 0 2px 16px']
  const cells = rows.map(
    ([name, value]) =>
      `<tr><th class="muted" scope="row" align="${start}" valign="top" style="padding: ${padding}; color: #59616a; font-weight: normal">${escaped(name)}</th>` +
      `<td valign="top" style="padding: 2px 0; word-break: break-word">${value}</td></tr>`
  )
  return `<table cellpadding="0" cellspacing="0" border="0" style="margin: 0 0 16px; font-size: 15px; line-height: 1.5">
${cells.join('\n')}
</table>`
}
