import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Prisma } from '../../../src/adapters/prisma/generated/client.js'
import { tables } from '../../../src/adapters/prisma/tables.js'

// On a server, every other test finds a statement without a schema too: their sessions have a foreign `search_path`.

const folder = 'src/adapters'
const names = [...Object.keys(Prisma.ModelName).map(snakeCase), '_prisma_migrations']
const table = new RegExp(`\\b(?:FROM|JOIN|INTO|UPDATE|ONLY)\\s+"?(?:${names.join('|')})"?(?=[\\s;()]|$)`, 'g')
const withoutSchema = (statement: string) => statement.match(table) ?? []

t.test('every table of the schema can be named in statements', async (t) => {
  const named = Object.values(tables).map(({ sql }) => sql)
  t.strictSame(named.sort(), names.map((name) => `"{schema}"."${name}"`).sort())
})

t.test('every statement names the schema of its tables, so that none depends on search_path', async (t) => {
  // Migrations run on a connection of their own, which sets its search_path.
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !/prisma.(generated|migrations)/.test(file)
  )
  const found = files.flatMap((file) => {
    const statements = templates(readFileSync(join(folder, file), 'utf8'))
    return statements.flatMap(withoutSchema).map((part) => `${file}: ${part}`)
  })
  t.strictSame(found, [], 'take them from tables.ts')
  t.strictSame(withoutSchema('DELETE FROM session s'), ['FROM session'])
  t.strictSame(withoutSchema('SELECT * FROM a JOIN "user" u'), ['JOIN "user"'])
})

/** The texts between backquotes that are SQL. */
function templates(source: string): readonly string[] {
  return source.split('`').filter((text) => /\b(SELECT|INSERT|UPDATE|DELETE|FROM)\b/.test(text))
}

function snakeCase(model: string): string {
  return model.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase()
}
