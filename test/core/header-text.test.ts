import t from 'tap'
import { withoutBlanks } from '../../src/core/header-text.js'

t.test('spaces and tabs around header text are removed, inner ones stay', async (t) => {
  for (const text of ['a b', ' a b', 'a b\t', ' \t a b \t ']) t.equal(withoutBlanks(text), 'a b')
  for (const text of ['', ' ', '\t \t']) t.equal(withoutBlanks(text), '')
})

t.test('no other character is removed, whatever Unicode calls it', async (t) => {
  for (const space of ['\u00a0', '\u000b', '\u000c', '\u0085', '\u2003', '\u2028', '\u3000', '\ufeff', '\n']) {
    for (const text of [`${space}a`, `a${space}`, space]) t.equal(withoutBlanks(text), text)
  }
})
