import t from 'tap'
import { faultOfMembers, jsonBytes, maxDocumentDepth } from '../../src/core/json-document.js'
import type { Json, JsonObject } from '../../src/core/merge-patch.js'

/** `depth` nested objects or arrays. */
const nested = (depth: number, isArray = false): JsonObject => {
  let value: Json = 1
  for (let level = 1; level < depth; level += 1) value = isArray ? [value] : { a: value }
  return { a: value }
}

t.test('a document can have any JSON', async (t) => {
  const patch = { a: null, b: [1, -2.5e3, null, { c: '😀 \u0001 "' }], d: true, '': {} }
  t.equal(faultOfMembers(patch), undefined)
  t.equal(faultOfMembers(nested(maxDocumentDepth)), undefined)
  t.equal(faultOfMembers(nested(maxDocumentDepth, true)), undefined)
})

t.test('a text that PostgreSQL cannot store is refused at every depth, with the name of the member', async (t) => {
  const message = 'has a character that cannot be stored'
  for (const text of ['\0', 'a\0b', '\ud800', 'a\udc00', '\udc00\ud800']) {
    t.strictSame(faultOfMembers({ ok: 1, name: text }), { field: 'name', message })
    t.strictSame(faultOfMembers({ name: [{ deep: text }] }), { field: 'name', message })
    t.strictSame(faultOfMembers({ name: { [text]: 1 } }), { field: 'name', message })
    t.strictSame(faultOfMembers({ [text]: 1 }), { field: text, message })
  }
  t.strictSame(faultOfMembers({ n: JSON.parse('[1e400]') }), { field: 'n', message: 'has a number that is too large' })
})

t.test('a document that is nested too deep is refused', async (t) => {
  for (const patch of [nested(maxDocumentDepth + 1), nested(maxDocumentDepth + 1, true), nested(5000)]) {
    t.strictSame(faultOfMembers(patch), { field: 'a', message: 'is nested deeper than 20 levels' })
  }
})

t.test('a member __proto__ is refused at every depth', async (t) => {
  const message = 'has a member __proto__'
  t.strictSame(faultOfMembers(JSON.parse('{"__proto__":1}')), { field: '__proto__', message })
  t.strictSame(faultOfMembers(JSON.parse('{"a":[{"__proto__":{}}]}')), { field: 'a', message })
})

t.test('the length of JSON is counted in UTF-8', async (t) => {
  t.equal(jsonBytes({ a: 'ü' }), 10)
  t.equal(jsonBytes('😀'), 6)
})
