import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { transform } from 'esbuild'
import type { Test } from 'tap'
import { v8Flags } from '../processes/process.js'
import { moduleOf } from '../processes/readme.js'
import { entryPoints } from './exports.js'

/** One `console.log(…) // expected` of an example: what it should print, and what it printed. */
export interface CheckedLine {
  readonly expected: string
  readonly actual: string
}

export interface ExampleValues {
  /** The live service, which examples call `https://auth.example.com`. */
  readonly url: string
  /** Constants that examples may use without declaring them. */
  readonly constants: Readonly<Record<string, string>>
}

const checkedLine = /^(.*)console\.log\((.*)\) \/\/ (.*)$/gm
const mark = 'checked line: '

/** What each checked line of an example should print, in the order of the code. */
export function expectedLines(example: string): readonly string[] {
  return [...example.matchAll(checkedLine)].map(([, , , expected = '']) => expected)
}

/** Runs an example as a process of its own. Rejects if it fails, or does not end within two minutes. */
export async function runExample(t: Test, example: string, values: ExampleValues): Promise<readonly CheckedLine[]> {
  const { code } = await transform(runnable(example, values), { loader: 'ts', format: 'esm' })
  const file = await moduleOf(t, code)
  const { stdout } = await promisify(execFile)(process.execPath, [...v8Flags, file], {
    cwd: dirname(file),
    env: { PATH: process.env.PATH, BCRYPT_COST: '4' },
    timeout: 120_000
  })
  const lines = stdout.split('\n').filter((line) => line.startsWith(mark))
  return lines.map((line) => JSON.parse(line.slice(mark.length)))
}

function runnable(example: string, { url, constants }: ExampleValues): string {
  const checked = example.replace(
    checkedLine,
    (_, before, printed, expected) => `${before}checkLine(${JSON.stringify(expected)}, ${printed})`
  )
  const imports = Object.entries(entryPoints).map(([name, path]) => {
    const compiled = new URL(`../../../${path.replace(/[.]ts$/, '.js')}`, import.meta.url).href
    return [`from '${name}'`, `from '${compiled}'`] as const
  })
  const code = imports.reduce((text, [from, to]) => text.replaceAll(from, to), checked)
  return [
    `import { format as formatLine } from 'node:util'`,
    `const checkLine = (expected, ...printed) =>`,
    `  console.log('${mark}' + JSON.stringify({ expected, actual: formatLine(...printed) }))`,
    ...Object.entries(constants)
      .filter(([name]) => new RegExp(`\\b${name}\\b`).test(example))
      .map(([name, value]) => `const ${name} = ${JSON.stringify(value)}`),
    code.replaceAll('https://auth.example.com', url)
  ].join('\n')
}
