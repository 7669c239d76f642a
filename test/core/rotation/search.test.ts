import { readFile } from 'node:fs/promises'
import t from 'tap'
import { searchTables } from '../../support/rotation-search/tables.js'

/** The repository, as seen from `build/test/core/rotation/`. */
const docs = new URL('../../../../docs/', import.meta.url)

const pages = { honest: 'rotation.md', thief: 'rotation.md', alternatives: 'rotation-search.md' } as const

for (const { name, lines } of searchTables()) {
  t.test(`the ${name} table in docs/${pages[name]} is the result of the search`, async (t) => {
    const page = await readFile(new URL(pages[name], docs), 'utf8')
    const [, written = ''] = new RegExp(`<!-- search ${name}: .*? -->\n\n(.*?)\n\n<!-- end`, 's').exec(page) ?? []
    t.strictSame(written.split('\n'), lines, 'node build/bench/rotation-search.js prints it')
  })
}
