import { type MailKind, mailKinds } from '../../../core/mail.js'
import type { RenderedMail } from '../sender.js'
import type { Catalogue } from './catalogue.js'
import { english } from './english.js'

/** The languages by their tag (RFC 5646), in lower case. */
const catalogues: ReadonlyMap<string, Catalogue> = new Map([['en', english]])

/** Makes the content of a mail in the person's language, or in English. Throws for a kind that is not known. */
export function render(
  kind: string,
  locale: string | null,
  parameters: Readonly<Record<string, string | null>>
): RenderedMail {
  if (!isMailKind(kind)) throw new Error(`This version does not know mails of the kind ${kind}.`)
  const { unknown, mails } = catalogueOf(locale)
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

/** The catalogue of a language, of its language without the region, or English. */
function catalogueOf(locale: string | null): Catalogue {
  const tag = locale?.toLowerCase() ?? 'en'
  return catalogues.get(tag) ?? catalogues.get(tag.split('-')[0] ?? tag) ?? english
}

const isMailKind = (kind: string): kind is MailKind => Object.hasOwn(mailKinds, kind)

/** Strangers choose user agents and names of devices: no control character may change the mail. */
const oneLine = (text: string) => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')

const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
