import t from 'tap'
import { isJsonObject, type Json, mergePatch } from '../../src/core/merge-patch.js'

/** RFC 7396, appendix A: the original, the patch and the result. */
const table: readonly (readonly [original: string, patch: string, result: string])[] = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', '{}'],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['["a","b"]', '["c","d"]', '["c","d"]'],
  ['{"a":"b"}', '["c"]', '["c"]'],
  ['{"a":"foo"}', 'null', 'null'],
  ['{"a":"foo"}', '"bar"', '"bar"'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
  ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}']
]

t.test('a merge patch does what the table of RFC 7396, appendix A says', async (t) => {
  for (const [original, patch, result] of table) {
    const target: Json = JSON.parse(original)
    t.equal(JSON.stringify(mergePatch(target, JSON.parse(patch))), result, `${original} and ${patch}`)
    t.equal(JSON.stringify(target), original, 'the original stays as it was')
  }
})

t.test('a member __proto__ is data, and changes no prototype', async (t) => {
  const patch: Json = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}')
  const merged = mergePatch({ kept: 1 }, patch)
  t.equal(JSON.stringify(merged), `{"kept":1,${JSON.stringify(patch).slice(1)}`)
  t.equal(Object.getPrototypeOf(merged), Object.prototype)
  t.equal(Reflect.get({}, 'polluted'), undefined)
  t.equal(Reflect.get(Object(merged), 'polluted'), undefined)
})

t.test('isJsonObject is true for an object, and for no other JSON', async (t) => {
  t.ok(isJsonObject({}))
  for (const value of [null, [], 'text', 1, true, undefined]) t.notOk(isJsonObject(value))
})
