import { englishPage, type PageWord, type PageWords } from '../../../languages/english-page.js'
import { lookUp } from '../../../languages/look-up.js'
import { features } from '../features.js'

/** The words of the page in its language. English until `speak` has chosen another language. */
let words: PageWords = englishPage

/** The names between braces in a text: `'{used} · {created}'` has `used` and `created`. */
type NamesIn<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never
type Names<Key extends PageWord> = NamesIn<(typeof englishPage)[Key]>
/** A text without values. */
export type PlainWord = { [Key in PageWord]: [Names<Key>] extends [never] ? Key : never }[PageWord]
type Values<Key extends PageWord, Value> = [Names<Key>] extends [never] ? [] : [Readonly<Record<Names<Key>, Value>>]

/** The text for `key`, with its values in place of `{name}`. */
export function say<Key extends PageWord>(key: Key, ...values: Values<Key, string | number>): string {
  return parts(key, values[0] ?? {}).join('')
}

/** Like `say`, for values that are elements. */
export function sayWith<Key extends PageWord>(key: Key, ...values: Values<Key, Node>): (Node | string)[] {
  return parts<Node>(key, values[0] ?? {})
}

function parts<Value>(key: PageWord, values: Readonly<Record<string, Value>>): (Value | string)[] {
  // The pattern has a group, so every second piece is a name.
  return words[key].split(/\{(\w+)\}/).map((piece, index) => (index % 2 === 0 ? piece : (values[piece] ?? '')))
}

/** The text for a key that is made of a code, such as an event's type. Undefined if there is none. */
export function sayIfKnown(key: string): string | undefined {
  return Object.hasOwn(words, key) ? words[key as PageWord] : undefined
}

/** The language that the page speaks, as a tag (RFC 5646). */
export const pageLocale = (): string => document.documentElement.lang

/**
 * Sets the language of the page: the first of the `preferred` languages that the service has, else English. The words
 * of the page's own HTML change at once; the caller must show again what a script has shown. If the words cannot be
 * loaded, the language stays.
 */
export async function speak(preferred: readonly string[]): Promise<void> {
  const locale = lookUp(preferred, (await features()).locales ?? []) ?? 'en'
  if (locale === spoken) return
  const loaded = await loadWords(locale)
  if (loaded !== undefined) {
    words = { ...englishPage, ...loaded }
    spoken = locale
    document.documentElement.lang = locale
  }
  for (const part of document.querySelectorAll<HTMLElement>('[data-words]')) fill(part)
}

let spoken: string | undefined

async function loadWords(locale: string): Promise<Partial<PageWords> | undefined> {
  const response = await fetch(new URL(`words-${locale}.json`, import.meta.url)).catch(() => undefined)
  return response?.ok ? response.json().catch(() => undefined) : undefined
}

/** Gives an element the text for `key`, also after the language of the page changes. */
export function label(part: HTMLElement, key: PlainWord): void {
  part.dataset.words = key
  fill(part)
}

function fill(part: HTMLElement): void {
  part.textContent = parts(part.dataset.words as PageWord, {}).join('')
}
