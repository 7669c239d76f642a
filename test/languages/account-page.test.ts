import { readFile } from 'node:fs/promises'
import t from 'tap'
import { englishPage } from '../../src/languages/english-page.js'

t.test('the account page itself is in the words of the English catalogue', async (t) => {
  const html = await readFile(new URL('../../src/pages/account.html', import.meta.url), 'utf8')
  const filled = [...html.matchAll(/ data-words="(\w+)"[^>]*>([^<]*)</g)]
  t.ok(filled.length > 20)
  for (const [, key = '', text] of filled) t.equal(text, englishPage[key as keyof typeof englishPage], key)
})
