import { type MailKind, mailKinds } from '../../../core/mail.js'
import type { Catalogue, Catalogues } from '../../../languages/catalogue.js'
import { english } from '../../../languages/english.js'
import { lookUp } from '../../../languages/look-up.js'
import type { RenderedMail, RenderMail } from '../sender.js'

/** Makes the content of mails in the person's language, or in English. */
export function mailRenderer(catalogues: Catalogues): RenderMail {
  const tags = [...catalogues.keys()]
  return (kind, locale, parameters) => {
    if (!isMailKind(kind)) throw new Error(`This version does not know mails of the kind ${kind}.`)
    const tag = lookUp([locale ?? 'en'], tags) ?? 'en'
    return render(kind, catalogues.get(tag) ?? english, parameters)
  }
}

function render(
  kind: MailKind,
  { unknown, mails }: Catalogue,
  parameters: Readonly<Record<string, string | null>>
): RenderedMail {
  const { subject, paragraphs, button } = mails[kind]
  const fill = (text: string) => text.replace(/\{(\w+)\}/g, (_, name: string) => oneLine(parameters[name] ?? unknown))
  const link = parameters.link ?? undefined

  const lines = paragraphs.map(fill)
  const [first = '', ...rest] = lines
  const text = [first, ...(link === undefined ? [] : [link]), ...rest].join('\n\n')
  const linked =
    link === undefined || button === undefined ? '' : `<p><a href="${escaped(link)}">${escaped(button)}</a></p>`
  const html = `<p>${escaped(first)}</p>${linked}${rest.map((line) => `<p>${escaped(line)}</p>`).join('')}`
  return { subject: fill(subject), text: `${text}\n`, html: `<!doctype html><html><body>${html}</body></html>` }
}

const isMailKind = (kind: string): kind is MailKind => Object.hasOwn(mailKinds, kind)

/** Strangers choose user agents and names of devices: no control character may change the mail. */
const oneLine = (text: string) => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')

const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
