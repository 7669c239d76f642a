import type { JsonObject } from '../core/merge-patch.js'
import { textTable } from '../core/text-table.js'
import type { Page } from '../ports/paging.js'
import type { Terminal } from './context.js'

type Cell = string | number | boolean | null | readonly string[]

/** The columns of an output: the name is the JSON member and the table's heading. */
export type Columns<T> = Readonly<Record<string, (row: T) => Cell>>

/** The option `--json` of every command that prints a result. */
export const jsonOption = { json: { type: 'boolean', summary: 'Print JSON for machines.' } } as const

export interface Style {
  readonly json?: boolean
}

/** Formats milliseconds since the epoch as RFC 3339 in UTC. */
export function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

/** Prints a page as a table, or as `{"<name>": […], "next_cursor": …}`. */
export function printPage<T>(terminal: Terminal, style: Style, name: string, columns: Columns<T>, page: Page<T>): void {
  if (style.json) {
    const rows = page.items.map((row) => toObject(columns, row))
    printJson(terminal, { [name]: rows, next_cursor: page.nextCursor })
    return
  }
  const rows = page.items.map((row) => Object.values(columns).map((cell) => toText(cell(row))))
  printLines(terminal, rows.length === 0 ? [`No ${name}.`] : textTable([Object.keys(columns), ...rows]))
  if (page.nextCursor !== null) terminal.stderr.write(`There are more. Add --cursor ${page.nextCursor}\n`)
}

/** Prints one row as lines of name and value, and `documents` as indented JSON after it; or all as one JSON object. */
export function printOne<T>(
  terminal: Terminal,
  style: Style,
  columns: Columns<T>,
  row: T,
  documents: Readonly<Record<string, JsonObject>> = {}
): void {
  if (style.json) {
    printJson(terminal, { ...toObject(columns, row), ...documents })
    return
  }
  printLines(terminal, textTable(Object.entries(columns).map(([name, cell]) => [name, toText(cell(row))])))
  for (const [name, document] of Object.entries(documents)) printLines(terminal, [name, ...indented(document)])
}

/** The lines of a document as indented JSON. No string in it contains a line end, because JSON escapes line ends. */
const indented = (document: JsonObject) =>
  JSON.stringify(document, null, 2)
    .split('\n')
    .map((line) => `  ${line.replace(controlCharacters, escaped)}`)

/** Prints the result of a command: a sentence, or with `--json` an object. */
export function printDone(terminal: Terminal, style: Style, sentence: string, result: object): void {
  if (style.json) printJson(terminal, result)
  else printLines(terminal, [visible(sentence)])
}

/** Prints an error, a warning or a line of progress, without control characters: it may quote a stranger's text. */
export function printError({ stderr }: Pick<Terminal, 'stderr'>, message: string): void {
  stderr.write(`${visible(message)}\n`)
}

/** A text of several lines, in which control characters are replaced. */
const visible = (text: string) =>
  text.replace(controlCharacters, (character) => (character === '\n' ? character : '\u{fffd}'))

/** JSON leaves DEL, C1 and other control characters as they are, and a terminal would obey them. */
function printJson(terminal: Terminal, value: object): void {
  printLines(terminal, [JSON.stringify(value).replace(controlCharacters, escaped)])
}

function escaped(characters: string): string {
  const units = Array.from({ length: characters.length }, (_, at) => characters.charCodeAt(at))
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
}

function printLines({ stdout }: Terminal, lines: readonly string[]): void {
  stdout.write(lines.map((line) => `${line}\n`).join(''))
}

/** Makes the JSON object of a row. */
export function toObject<T>(columns: Columns<T>, row: T): Record<string, Cell> {
  return Object.fromEntries(Object.entries(columns).map(([name, cell]) => [name, cell(row)]))
}

const maxCellLength = 60

/**
 * Strangers choose device names and user agents. These characters could control the terminal, reorder its text, or break
 * the line.
 */
const controlCharacters = /[\p{C}\p{Zl}\p{Zp}]/gu

/** Control characters are replaced. */
function toText(cell: Cell): string {
  if (cell === null) return '-'
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no'
  const text = (typeof cell === 'object' ? cell.join(',') : String(cell)).replace(controlCharacters, '\u{fffd}')
  if (text === '') return '-'
  return text.length > maxCellLength ? `${text.slice(0, maxCellLength - 1)}…` : text
}
