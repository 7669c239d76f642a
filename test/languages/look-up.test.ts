import t from 'tap'
import { lookUp } from '../../src/languages/look-up.js'

const available = ['en', 'de', 'pt-BR', 'zh-Hant']

const cases: readonly [string, readonly string[], string | undefined][] = [
  ['a tag that is there', ['de'], 'de'],
  ['a region that is not there', ['de-AT'], 'de'],
  ['another case', ['PT-br'], 'pt-BR'],
  ['a longer tag', ['zh-Hant-TW'], 'zh-Hant'],
  ['a private part, whose letter goes with it', ['de-x-formal'], 'de'],
  ['a language of which only a region is there', ['pt'], undefined],
  ['the second preference', ['fr-CA', 'de'], 'de'],
  ['the first of two that are there', ['pt-BR', 'de'], 'pt-BR'],
  ['no tag', ['', '-', '--'], undefined],
  ['nothing', [], undefined]
]

for (const [name, preferred, expected] of cases) {
  t.test(`the language for ${name}`, async (t) => t.equal(lookUp(preferred, available), expected))
}
