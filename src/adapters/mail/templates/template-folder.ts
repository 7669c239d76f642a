import { isUtf8 } from 'node:buffer'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type MailKind, mailKinds } from '../../../core/mail.js'
import type { Catalogue, Catalogues, MailWords } from '../../../languages/catalogue.js'
import { english } from '../../../languages/english.js'
import { lookUp } from '../../../languages/look-up.js'
import { shipped } from '../../../languages/shipped.js'
import { type LanguageFile, placeholdersIn, readLanguageFile } from './language-file.js'
import { defaultLayouts, type Layouts, layoutPlaceholders } from './layouts.js'

/** The words of all languages, and the frames around each mail. */
interface Templates {
  readonly catalogues: Catalogues
  readonly layouts: Layouts
}

export const shippedTemplates: Templates = { catalogues: shipped, layouts: defaultLayouts }

/** Some mail programs cut off mails above about 100 kB. */
const maxFileBytes = 64 * 1024

/**
 * Reads a folder of `LOCALE.json`, `layout.html` and `layout.txt`. What the folder lacks comes from the package. Also
 * returns all mistakes in the folder: each is one line that names the file and says how to correct it.
 */
export async function readTemplates(
  folder: string
): Promise<{ readonly templates: Templates; readonly faults: readonly string[] }> {
  const faults: string[] = []
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    faults.push(`The folder ${folder} cannot be read (${error.code}).`)
    return []
  })
  // All other files are ignored, such as a README.md or the hidden folders of a Kubernetes volume.
  const ours = names.filter((name) => /^[^.].*\.(json|html|txt)$/.test(name)).sort()
  if (ours.length === 0 && faults.length === 0) {
    faults.push(
      `The folder ${folder} has no template. Its files are LOCALE.json, such as de.json, layout.html and layout.txt.`
    )
  }

  const files = new Map<string, LanguageFile>()
  const layouts = { ...defaultLayouts }
  for (const name of ours) {
    const text = await readText(join(folder, name)).catch((error: Error) => error)
    const found = text instanceof Error ? [text.message] : take(name, text)
    faults.push(...found.map((fault) => `${name}: ${fault}${/[.?]$/.test(fault) ? '' : '.'}`))
  }

  /** Adds a file to `files` or `layouts`, and returns the mistakes in it. */
  function take(name: string, text: string): readonly string[] {
    if (name === 'layout.html') layouts.html = text
    if (name === 'layout.txt') layouts.text = text
    if (name === 'layout.html' || name === 'layout.txt') return faultsOfLayout(text)
    const tag = name.slice(0, -'.json'.length)
    if (!name.endsWith('.json') || !isTag(tag)) {
      return [
        'is not known. Files are layout.html, layout.txt, and LOCALE.json with a tag of RFC 5646, such as de.json or pt-BR.json'
      ]
    }
    const { file, faults } = readLanguageFile(text)
    files.set(tag, file)
    return [...faults, ...lackingWords(tag, file)]
  }

  return { templates: { catalogues: completed(files), layouts }, faults }
}

async function readText(path: string): Promise<string> {
  const bytes = await readFile(path)
  if (bytes.length > maxFileBytes) throw new Error(`is larger than ${maxFileBytes / 1024} KiB`)
  if (!isUtf8(bytes)) throw new Error('is not text in UTF-8')
  // This also removes the byte order mark that some editors write.
  return new TextDecoder().decode(bytes)
}

const isTag = (tag: string) => {
  try {
    return Intl.getCanonicalLocales(tag)[0] === tag
  } catch {
    return false
  }
}

function faultsOfLayout(text: string): string[] {
  const all = layoutPlaceholders.map((name) => `{${name}}`).join(', ')
  const used = placeholdersIn(text)
  const unknown = used.filter((name) => !layoutPlaceholders.some((known) => known === name))
  return [
    ...unknown.map((name) => `{${name}} is not known. A layout can have ${all}`),
    ...(used.includes('content') ? [] : ['has no {content}, where the mail goes'])
  ]
}

/**
 * If the package does not have the language of these mails, the file needs all `words`; else mails would be in two
 * languages.
 */
function lackingWords(tag: string, { mails, words }: LanguageFile): string[] {
  if (Object.keys(mails).length === 0 || lookUp([tag], [...shipped.keys()]) !== undefined) return []
  const lacking = (Object.keys(english.words) as (keyof MailWords)[]).filter((name) => words[name] === undefined)
  return lacking.map((name) => `words.${name} is missing, which mails need. In English: "${english.words[name]}"`)
}

/**
 * All languages, each complete. What one lacks comes from the nearest language of the package or the folder, or from
 * English.
 */
function completed(files: ReadonlyMap<string, LanguageFile>): Catalogues {
  const catalogues = new Map(shipped)
  // English first, then short tags: longer tags take from them what they lack.
  const rank = (tag: string) => (tag === 'en' ? 0 : tag.split('-').length)
  for (const [tag, file] of [...files].sort(([a], [b]) => rank(a) - rank(b))) {
    const base = lookUp([tag], [...catalogues.keys()]) ?? 'en'
    catalogues.set(tag, onTopOf(base, catalogues.get(base) ?? english, file))
  }
  return catalogues
}

function onTopOf(tag: string, base: Catalogue, { words, mails, page }: LanguageFile): Catalogue {
  const lacking = (Object.keys(mailKinds) as MailKind[]).filter((kind) => mails[kind] === undefined)
  return {
    words: { ...base.words, ...words },
    mails: { ...base.mails, ...mails },
    page: { ...base.page, ...page },
    borrowed: Object.fromEntries(lacking.map((kind) => [kind, base.borrowed?.[kind] ?? tag]))
  }
}
