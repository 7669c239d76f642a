import { readFile } from 'node:fs/promises'
import t from 'tap'

/** Looks up each test that docs/security.md names, and checks the form of docs/security-not-met.md. */

/** The root of the repository, as seen from `test/` and from `build/test/`. */
const roots = [new URL('../', import.meta.url), new URL('../../', import.meta.url)]

async function source(path: string): Promise<string | undefined> {
  for (const root of roots) {
    const text = await readFile(new URL(path, root), 'utf8').catch(() => undefined)
    if (text !== undefined) return text
  }
  return undefined
}

const page = (await source('docs/security.md')) ?? ''
const [, requirements = '', faults = ''] =
  /\n## Requirements\n(.*)\n## Faults\n(.*)\n## Broken on purpose\n/s.exec(page) ?? []
const rowsOf = (text: string) =>
  [...text.matchAll(/^\| (?!requirement |fault |---)(.*?) \| (.*) \|$/gm)].map(([, line = '', held = '']) => ({
    line,
    held
  }))
const notMet = (await source('docs/security-not-met.md')) ?? ''
const rows = [...rowsOf(requirements), ...rowsOf(faults)]
const named = [...page.matchAll(/`([a-z0-9/-]+)` “([^”]+)”/g)].map(([, file = '', name = '']) => ({ file, name }))

t.test('every test that the page names exists', async (t) => {
  t.ok(named.length > 80)
  for (const { file, name } of named) {
    const text = (await source(`test/${file}.test.ts`)) ?? (await source(`test/${file}.ts`))
    const isThere = ["'", '"', '`'].some((quote) => text?.includes(`${quote}${name}${quote}`))
    t.ok(isThere, `${file}: ${name}`)
  }
})

t.test(
  'the page has every requirement and every fault, each with a test or the reason why there is none',
  async (t) => {
    t.equal(rowsOf(requirements).length, 57)
    const numbers = rowsOf(faults).map(({ line }) => Number.parseInt(line, 10))
    t.strictSame(
      numbers.slice(0, 44),
      Array.from({ length: 44 }, (_, i) => i + 1)
    )
    // Faults 45 to 55 of the checklist are added one by one, each by the change that builds its defence.
    const later = numbers.slice(44)
    t.strictSame(
      later,
      [...new Set(later)].sort((a, b) => a - b)
    )
    t.ok(later.every((number) => number > 44 && number <= 55))
    for (const { line, held } of rows) t.match(held, /` “|does not apply|\*\*Open\*\*/, line)
  }
)

t.test('the page of what is not met names lines of ASVS once for each level, and settings that exist', async (t) => {
  const listed = [...notMet.matchAll(/^\| ([\d., to]+) \| ([\d, ]+) \| (.*?) \| .+ \|$/gm)]
  t.ok(listed.length > 25)
  for (const [, lines = '', levels = '', state = ''] of listed) {
    t.match(lines, /^\d+\.\d+\.\d+((, | to )\d+\.\d+\.\d+)*$/)
    t.match(levels, /^[123](, [123])*$/, lines)
    t.ok(['not met', 'partly', 'by setting'].includes(state), lines)
  }
  const keys = listed.map(([, lines, levels]) => `${lines} ${levels}`)
  t.equal(new Set(keys).size, keys.length)
  const configuration = (await source('docs/configuration.md')) ?? ''
  for (const [, name] of notMet.matchAll(/`([A-Z_]+)(?:=\w+)?`/g)) t.match(configuration, `## ${name}\n`)
})
