import { type ParseArgsConfig, parseArgs } from 'node:util'
import { textTable } from '../core/text-table.js'
import type { Context } from './context.js'

/** The command line is not valid. The process exits with code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

interface Option {
  readonly type: 'string' | 'boolean'
  readonly multiple?: boolean
  readonly summary: string
}

type Options = Readonly<Record<string, Option>>

type Values<O extends Options> = {
  readonly [Name in keyof O]?: O[Name] extends { type: 'boolean' }
    ? boolean
    : O[Name] extends { multiple: true }
      ? string[]
      : string
}

/** The parsed command line: options, required operands by name, and further operands. */
interface Input<O extends Options, Operand extends string> {
  readonly options: Values<O>
  readonly operands: Readonly<Record<Operand, string>>
  readonly rest: readonly string[]
}

interface Definition<O extends Options, Operand extends string> {
  /** The words that select the command, such as `user create`. */
  readonly name: string
  readonly summary: string
  /** Shown after the summary by `--help`. */
  readonly details?: string
  readonly options?: O
  readonly operands?: readonly Operand[]
  /** The name of further operands in the help. Without it, none are allowed. */
  readonly rest?: string
  run(input: Input<O, Operand>, context: Context): Promise<void>
}

export interface Command {
  readonly name: string
  readonly summary: string
  readonly help: string
  /** Runs the command with the words after its name. Throws `UsageError` if they are not valid. */
  run(words: readonly string[], context: Context): Promise<void>
}

/** Makes a command from its definition, which also gives the types of the input and the text of `--help`. */
export function defineCommand<const O extends Options = Record<never, never>, const Operand extends string = never>(
  definition: Definition<O, Operand>
): Command {
  const { name, summary } = definition
  return {
    name,
    summary,
    help: helpOf(definition),
    run: async (words, context) => definition.run(parse(definition, words), context)
  }
}

function parse<O extends Options, Operand extends string>(
  { options = {} as O, operands: names = [], rest }: Definition<O, Operand>,
  words: readonly string[]
): Input<O, Operand> {
  const { values, positionals } = parseWords(words, options)
  const missing = names[positionals.length]
  if (missing !== undefined) throw new UsageError(`${missing} is missing.`)
  const further = positionals.slice(names.length)
  if (rest === undefined && further.length > 0) throw new UsageError(`"${further[0]}" is not expected.`)
  const operands = Object.fromEntries(names.map((name, i) => [name, positionals[i]])) as Record<Operand, string>
  return { options: values as Values<O>, operands, rest: further }
}

/** Reads the value of an option that must be a whole number. */
export function readWhole(option: string, text: string, min: number, max: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(number >= min && number <= max)) throw new UsageError(`${option} must be a whole number from ${min} to ${max}.`)
  return number
}

function parseWords(words: readonly string[], options: NonNullable<ParseArgsConfig['options']>) {
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function helpOf({ name, summary, details, options = {}, operands = [], rest }: Definition<Options, string>): string {
  const usage = ['latchkey', name, ...operands, rest && `[${rest}...]`, '[options]'].filter(Boolean).join(' ')
  const rows = Object.entries(options).map(([option, { type, multiple, summary: meaning }]) => {
    const value = type === 'string' ? ` ${option.toUpperCase()}${multiple ? ' (may be repeated)' : ''}` : ''
    return [`  --${option}${value}`, meaning]
  })
  const lines = textTable([...rows, ['  --help', 'Show this help.']])
  return [summary, ...(details === undefined ? [] : ['', details]), '', `Usage: ${usage}`, '', ...lines, ''].join('\n')
}
