import { searchTables } from '../test/support/rotation-search/tables.js'

/**
 * The exhaustive search of docs/rotation-search.md: prints the tables of the docs and the shortest story behind each row
 * in which something was found.
 *
 *   node build/bench/rotation-search.js [step in seconds, 5]
 *
 * Smaller steps need time and memory: with 2 s about ten minutes and `node --max-old-space-size=8000`.
 */
for (const { name, lines, stories } of searchTables({ stepSeconds: Number(process.argv[2] ?? 5) })) {
  console.log(`\n${name}\n\n${lines.join('\n')}`)
  for (const { of, story } of stories) console.log(`\n${of}\n${story.map((what) => `  - ${what}`).join('\n')}`)
}
