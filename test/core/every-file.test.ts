import { readdir, readFile } from 'node:fs/promises'
import t from 'tap'

const compiled = new URL('../../src/core/', import.meta.url)
const names = (await readdir(compiled)).filter((name) => name.endsWith('.js'))

t.test('every file of the core is loaded, so that coverage includes files without a test', async (t) => {
  t.ok(names.includes('rotation.js'))
  for (const name of names) t.ok(await import(new URL(name, compiled).href), name)
})

t.test('the core is pure: it imports only itself and uses no clock and no randomness', async (t) => {
  for (const name of names) {
    const text = await readFile(new URL(name, compiled), 'utf8')
    for (const [, from] of text.matchAll(/(?:from|import)\s*\(?["']([^"']+)["']/g))
      t.match(from, /^\.\/[a-z0-9-]+\.js$/, name)
    t.notMatch(text, /Date\.now|new Date\b|Math\.random|crypto|process\.|globalThis/, name)
  }
})
