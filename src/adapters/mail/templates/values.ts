import { linkLifeSeconds, type MailKind, mailKinds } from '../../../core/mail.js'
import type { MailWords } from '../../../languages/catalogue.js'
import { readUserAgent } from '../../../languages/user-agent.js'
import type { MailContext } from '../sender.js'
import { maxAddressCharacters, strangersText } from './strangers-text.js'

/** The value of a placeholder: an address to link to, or a text. Undefined if the value is not known. */
export type Value = { readonly url: string } | { readonly text: string } | undefined

export type Values = ReadonlyMap<string, Value>

/** The placeholders that the text of a mail can have. */
export function placeholdersOf(kind: MailKind): readonly string[] {
  const { parameters, ...about } = mailKinds[kind]
  return [...parameters, ...('link' in about ? ['link', 'link_life'] : []), 'account_url', 'site', 'recipient']
}

/** The values of the placeholders of a mail, in the language of `tag`. */
export function valuesOf(kind: MailKind, tag: string, words: MailWords, context: MailContext): Values {
  const { parameters, recipient, accountUrl, link } = context
  const about = mailKinds[kind]
  const ofParameters = about.parameters.map(
    (name) => [name, valueOfParameter(name, parameters[name] ?? null, tag, words)] as const
  )
  return new Map<string, Value>([
    ...ofParameters,
    ...('link' in about
      ? ([
          ['link', link === undefined ? undefined : { url: link }],
          ['link_life', { text: durationWords(linkLifeSeconds[about.link], tag) }]
        ] as const)
      : []),
    ['account_url', { url: accountUrl }],
    ['site', { text: new URL(accountUrl).host }],
    ['recipient', { text: strangersText(recipient, maxAddressCharacters) }]
  ])
}

function valueOfParameter(name: string, parameter: string | null, tag: string, words: MailWords): Value {
  if (parameter === null || parameter === '') return undefined
  if (name === 'at') return { text: timeWords(parameter, tag) }
  if (name === 'user_agent') return textOf(deviceWords(parameter, words))
  // Our server has found it, so no stranger chose its form. It stays as it is, because people copy it.
  if (name === 'ip' && /^[\da-f:.]+$/i.test(parameter)) return { text: parameter }
  return textOf(strangersText(parameter, name === 'new_email' || name === 'account' ? maxAddressCharacters : undefined))
}

const textOf = (text: string): Value => (text === '' ? undefined : { text })

/** "Firefox on Windows", or the name of a program. */
function deviceWords(userAgent: string, { browser_on_system: template }: MailWords): string {
  const { browser, system, program } = readUserAgent(userAgent)
  if (browser === undefined) return strangersText(program ?? '')
  return system === undefined ? browser : template.replace('{browser}', browser).replace('{system}', system)
}

/** "November 28, 2026 at 13:30 UTC": the person's time zone is not known. */
function timeWords(time: string, tag: string): string {
  const format = new Intl.DateTimeFormat(tag, {
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: 'UTC',
    timeZoneName: 'short'
  })
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? strangersText(time) : format.format(date)
}

/** "30 minutes", "24 hours", "7 days". */
function durationWords(seconds: number, tag: string): string {
  const [unit, size] =
    seconds < 3600
      ? (['minute', 60] as const)
      : seconds <= 86_400
        ? (['hour', 3600] as const)
        : (['day', 86_400] as const)
  return new Intl.NumberFormat(tag, { style: 'unit', unit, unitDisplay: 'long' }).format(seconds / size)
}
