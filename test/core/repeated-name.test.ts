import t from 'tap'
import { repeatedName } from '../../src/core/repeated-name.js'

t.test('a name that one object has twice is found, however it is written', async (t) => {
  for (const [text, name] of [
    ['{"a":1,"a":2}', 'a'],
    ['{"a":{"b":1},"c":[{"b":1,"d":{},"b":2}]}', 'b'],
    ['{"a":1,"\\u0061":2}', 'a'],
    ['{"a\\"b" : 1, "c":"}", "a\\"b"\n:2}', 'a"b'],
    ['{"":1,"":2}', '']
  ] as const) {
    JSON.parse(text)
    t.equal(repeatedName(text), name, text)
  }
})

t.test('the same name in different objects, and in texts, is no repetition', async (t) => {
  for (const text of [
    '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}',
    '{"a":"\\"a\\":1, \\"a\\":2","b":"{"}',
    '[["a","a"],{"b":"b"}]',
    '"a"',
    '5'
  ]) {
    JSON.parse(text)
    t.equal(repeatedName(text), undefined, text)
  }
  const deep = `${'[{"a":'.repeat(5000)}1${'}]'.repeat(5000)}`
  t.equal(repeatedName(deep), undefined)
})
