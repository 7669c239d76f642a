import { readFileSync } from 'node:fs'
import t from 'tap'
import { query } from '../../../src/adapters/prisma/database.js'
import { Prisma } from '../../../src/adapters/prisma/generated/client.js'
import { openTestDatabase } from '../../support/database.js'
import { plainSql, sqlFeatures } from '../../support/sql-features.js'
import { filesOf, sqlTexts, wordsOf } from '../../support/sql-statements.js'

const texts = sqlTexts()
const split = (words: string) => words.trim().split(/\s+/)

async function keywords(): Promise<ReadonlySet<string>> {
  const rows = await query<{ word: string }>(await openTestDatabase(t, { kind: 'embedded' }))`
    SELECT word FROM pg_get_keywords()`
  return new Set(rows.map(({ word }) => word))
}

t.test(
  'docs/scaling.md lists every part of PostgreSQL that a migration or a statement needs, and no other',
  async (t) => {
    const known = await keywords()
    const wordsInUse = new Set(texts.flatMap((text) => wordsOf(text, known)))
    const inUse = Object.entries(sqlFeatures).flatMap(([feature, { words = '', pattern }]) => {
      const isUsed = split(words).some((word) => wordsInUse.has(word)) || texts.some(({ text }) => pattern?.test(text))
      return isUsed ? [feature] : []
    })
    t.strictSame(inUse.sort(), [...new Set(rowsOfTable())].sort(), 'do without the feature, or add its row')
  }
)

t.test('every keyword, type, function and operator of the SQL is known', async (t) => {
  const known = await keywords()
  const listed = new Set([plainSql, ...Object.values(sqlFeatures).map(({ words = '' }) => words)].flatMap(split))
  const unknown = texts.flatMap((text) =>
    wordsOf(text, known).flatMap((word) => (listed.has(word) ? [] : [`${text.file}: ${word}`]))
  )
  t.strictSame([...new Set(unknown)], [], 'add it to sql-features.ts: to a feature of docs/scaling.md, or as plain SQL')
})

t.test('all statements are written in src/adapters: Prisma makes none', async (t) => {
  const models = Object.keys(Prisma.ModelName).map((name) => name.charAt(0).toLowerCase() + name.slice(1))
  const call = new RegExp(
    `\\.(?:${models.join('|')})\\s*\\.\\s*(?:find|create|update|delete|upsert|count|aggregate|group)`
  )
  t.match('prisma.user.findFirst()', call)
  const files = filesOf('src', '.ts').filter((file) => !file.includes('generated'))
  t.strictSame(
    files.filter((file) => call.test(readFileSync(file, 'utf8'))),
    []
  )
})

/** The first column of the table of docs/scaling.md that says what is needed. */
function rowsOfTable(): readonly string[] {
  const [, table = ''] = readFileSync('docs/scaling.md', 'utf8').split('| needed | for | substitute |\n|---|---|---|\n')
  const [rows = ''] = table.split('\n\n')
  return rows.split('\n').map((row) => row.split(' | ')[0]?.replace(/^\| /, '') ?? '')
}
