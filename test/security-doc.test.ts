import { readFile } from 'node:fs/promises'
import t from 'tap'

/** docs/security.md names tests. Each must exist. */

/** The root of the source tree, seen from the source and from the compiled test. */
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
  [...text.matchAll(/^\| (?!line |fault |---)(.*?) \| (.*) \|$/gm)].map(([, line = '', held = '']) => ({ line, held }))
const rows = [...rowsOf(requirements), ...rowsOf(faults)]
const named = [...page.matchAll(/`([a-z0-9/-]+)` “([^”]+)”/g)].map(([, file = '', name = '']) => ({ file, name }))

t.test('every test that the page names exists', async (t) => {
  t.ok(named.length > 80)
  for (const { file, name } of named) {
    const text = (await source(`test/${file}.test.ts`)) ?? (await source(`test/${file}.ts`))
    const exists = ["'", '"', '`'].some((quote) => text?.includes(`${quote}${name}${quote}`))
    t.ok(exists, `${file}: ${name}`)
  }
})

t.test(
  'each requirement and each fault on the page names a test, or says that it is open or does not apply',
  async (t) => {
    t.equal(rowsOf(requirements).length, 48)
    t.strictSame(
      rowsOf(faults).map(({ line }) => Number.parseInt(line, 10)),
      Array.from({ length: 44 }, (_, i) => i + 1)
    )
    for (const { line, held } of rows) t.match(held, /` “|does not apply|\*\*Open\*\*/, line)
  }
)
