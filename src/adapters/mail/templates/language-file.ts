import Type, { type Static, type TSchema } from 'typebox'
import { Check, Errors } from 'typebox/value'
import { type MailKind, mailKinds } from '../../../core/mail.js'
import { nearestName } from '../../../core/nearest-name.js'
import type { MailText, MailWords } from '../../../languages/catalogue.js'
import { english } from '../../../languages/english.js'
import type { PageWord } from '../../../languages/english-page.js'
import { placeholdersOf } from './values.js'

const text = Type.String({ minLength: 1 })
const line = Type.String({ minLength: 1, pattern: '^[^\\r\\n]*$' })
const closed = { additionalProperties: false }

const mailText = Type.Object(
  {
    subject: line,
    paragraphs: Type.Array(text, { minItems: 1 }),
    button: Type.Optional(line),
    details: Type.Optional(Type.Record(Type.String(), line))
  },
  closed
)

const kinds = Object.keys(mailKinds) as MailKind[]
const wordNames = Object.keys(english.words) as (keyof MailWords)[]
const pageWordNames = Object.keys(english.page) as PageWord[]

/** A language, or a part of one. What it lacks comes from another language. */
export interface LanguageFile {
  readonly words: Partial<MailWords>
  readonly mails: Readonly<Partial<Record<MailKind, MailText>>>
  readonly page: Readonly<Partial<Record<PageWord, string>>>
}

/**
 * Reads a file of `MAIL_TEMPLATES`. Returns the members without mistakes, and all mistakes: each message says where the
 * mistake is and how to correct it.
 */
export function readLanguageFile(json: string): { readonly file: LanguageFile; readonly faults: readonly string[] } {
  const faults: string[] = []
  const top = membersOf('', parsed(json), ['words', 'mails', 'page'], Type.Unknown())
  const file = {
    words: membersOf('words', top.words, wordNames, line),
    mails: membersOf('mails', top.mails, kinds, mailText),
    page: membersOf('page', top.page, pageWordNames, text)
  }

  function parsed(text: string): unknown {
    try {
      return JSON.parse(text)
    } catch (error) {
      faults.push(`is not JSON: ${error instanceof Error ? error.message : error}`)
      return {}
    }
  }

  /** The members of the object at `path` that have one of `names` and fit `schema`. The others become faults. */
  function membersOf<Name extends string, Schema extends TSchema>(
    path: string,
    value: unknown,
    names: readonly Name[],
    schema: Schema
  ): Partial<Record<Name, Static<Schema>>> {
    if (value !== undefined && !Check(Type.Record(Type.String(), Type.Unknown()), value)) {
      faults.push(`${path || 'the file'} must be an object`)
      return {}
    }
    const sound = Object.entries(value ?? {}).filter(([name, member]) => {
      const here = path === '' ? name : `${path}.${name}`
      const found = names.some((known) => known === name)
        ? Errors(schema, member).flatMap((fault) => faultsOfForm(here, fault))
        : [notKnown(here, name, names)]
      faults.push(...found)
      return found.length === 0
    })
    return Object.fromEntries(sound) as Partial<Record<Name, Static<Schema>>>
  }

  return { file, faults: [...faults, ...faultsOfPlaceholders(file)] }
}

const requirements: Readonly<Record<string, string>> = {
  minLength: 'must not be empty',
  minItems: 'must have a paragraph',
  pattern: 'must be one line'
}

function faultsOfForm(
  path: string,
  { keyword, instancePath, params, message }: ReturnType<typeof Errors>[number]
): string[] {
  const here = `${path}${instancePath.replaceAll('/', '.')}`
  // Always comes with an error of `additionalProperties`, which has the names.
  if (keyword === 'boolean') return []
  if ('additionalProperties' in params) {
    return params.additionalProperties.map((name) =>
      notKnown(`${here}.${name}`, name, Object.keys(mailText.properties))
    )
  }
  if ('requiredProperties' in params) return [`${here} lacks ${params.requiredProperties.join(' and ')}`]
  return [`${here} ${requirements[keyword] ?? message}`]
}

function notKnown(path: string, name: string, names: readonly string[]): string {
  const near = nearestName(name, names)
  return `${path} is not known. ${near === undefined ? knownNames(names) : `Did you mean ${near}?`}`
}

const knownNames = (names: readonly string[]) =>
  names.length > 20 ? 'All names: latchkey language show en.' : `Known: ${names.join(', ')}.`

/** The placeholders of the words that all mails share. */
const placeholdersOfWords: Readonly<Record<keyof MailWords, readonly string[]>> = {
  unknown: [],
  browser_on_system: ['browser', 'system'],
  bare_link: [],
  footer: ['site', 'recipient', 'account_url']
}

function faultsOfPlaceholders({ words, mails, page }: LanguageFile): string[] {
  return [
    ...entriesOf(words).flatMap(([name, text]) => faultsIn(`words.${name}`, text, placeholdersOfWords[name])),
    ...entriesOf(mails).flatMap(([kind, mail]) => faultsOfMail(kind, mail)),
    ...entriesOf(page).flatMap(([name, text]) => faultsIn(`page.${name}`, text, placeholdersIn(english.page[name])))
  ]
}

function faultsOfMail(kind: MailKind, { subject, paragraphs, button, details }: MailText): string[] {
  const path = `mails.${kind}`
  const names = placeholdersOf(kind)
  const texts = paragraphs.filter((paragraph) => !isBlock(paragraph))
  const isLinked =
    !names.includes('link') || paragraphs.includes('{button}') || placeholdersIn(texts.join()).includes('link')
  return [
    // The subject is shown wherever mails are listed, and a link is a secret.
    ...faultsIn(
      `${path}.subject`,
      subject,
      names.filter((name) => name !== 'link')
    ),
    ...texts.flatMap((text) =>
      faultsIn(`${path}.paragraphs`, text, names, ' {button} and {details} are paragraphs by themselves.')
    ),
    ...Object.entries(details ?? {}).flatMap(([name, text]) => faultsIn(`${path}.details.${name}`, text, names)),
    ...faultsIn(`${path}.button`, button ?? '', []),
    ...blockFaults(path, 'button', button !== undefined, paragraphs.includes('{button}')),
    ...blockFaults(path, 'details', details !== undefined, paragraphs.includes('{details}')),
    ...(isLinked
      ? []
      : [
          `${path} has no link. Add the paragraph {button} and the words of its button, or write {link} in a paragraph.`
        ])
  ]
}

const isBlock = (paragraph: string) => paragraph === '{button}' || paragraph === '{details}'

function blockFaults(path: string, name: 'button' | 'details', isGiven: boolean, isUsed: boolean): string[] {
  if (isGiven === isUsed) return []
  return [
    isGiven
      ? `${path}.${name} is not used. Add the paragraph {${name}}.`
      : `${path} has the paragraph {${name}}, and lacks ${name}.`
  ]
}

export const placeholdersIn = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)

/** Finds placeholders in `text` that are not in `names`, and braces without a placeholder. */
function faultsIn(path: string, text: string, names: readonly string[], hint = ''): string[] {
  const unknown = placeholdersIn(text).filter((name) => !names.includes(name))
  const what = names.length === 0 ? 'It can have none.' : `It can have ${names.map((name) => `{${name}}`).join(', ')}.`
  return [
    ...unknown.map((name) => `${path} has {${name}}, which is not known there. ${what}${hint}`),
    ...(/[{}]/.test(text.replace(/\{\w+\}/g, '')) ? [`${path} has a brace without a placeholder. ${what}`] : [])
  ]
}

const entriesOf = <Name extends string, T>(record: Partial<Record<Name, T>>) => Object.entries(record) as [Name, T][]
