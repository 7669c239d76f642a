import t from 'tap'
import { patchBetween, readEdited } from '../../src/core/document-edit.js'
import { maxDocumentBytes } from '../../src/core/json-document.js'
import { type JsonObject, mergePatch } from '../../src/core/merge-patch.js'

const documents: readonly JsonObject[] = [
  {},
  { a: 1, b: 'x', c: [1, null] },
  { a: 2, c: [1, null] },
  { a: { b: { c: 1 }, d: [] }, e: {} },
  { a: { b: { c: 2, f: true } }, e: { g: false } },
  { a: { b: 7 }, e: [{ h: null }] },
  { a: [], e: 'text' },
  JSON.parse('{"__proto__":{"a":1},"constructor":"b"}')
]

t.test('the patch between two documents turns one into the other', async (t) => {
  for (const before of documents) {
    for (const after of documents) {
      const name = `${JSON.stringify(before)} and ${JSON.stringify(after)}`
      t.strictSame(mergePatch(before, patchBetween(before, after)), after, name)
      if (before === after) t.strictSame(patchBetween(before, after), {}, name)
    }
  }
})

t.test('the patch between two documents leaves alone what somebody else changes meanwhile', async (t) => {
  const before = { plan: 'free', seats: { paid: 1, used: 1 }, note: 'old' }
  const mine = { plan: 'pro', seats: { paid: 1, used: 2 }, note: 'old' }
  const theirs = { plan: 'free', seats: { paid: 5, used: 1 }, added: true }
  const patch = patchBetween(before, mine)
  t.strictSame(patch, { plan: 'pro', seats: { used: 2 } })
  t.strictSame(mergePatch(theirs, patch), { plan: 'pro', seats: { paid: 5, used: 2 }, added: true })
})

t.test('a document that a person has edited is read', async (t) => {
  const text = '{ "plan": "pro", "tags": [null, { "a": null }] }'
  t.strictSame(readEdited(text), { document: { plan: 'pro', tags: [null, { a: null }] } })
  const fits = JSON.stringify({ a: 'x'.repeat(maxDocumentBytes - 8) })
  t.ok(readEdited(fits).document)
})

t.test('what cannot be saved is refused with the member, or as a whole', async (t) => {
  for (const [text, field, message] of [
    ['{"plan"', undefined, /^is not JSON: ./],
    ['[]', undefined, /^must be an object/],
    ['null', undefined, /^must be an object/],
    ['{"plan":1,"plan":2}', 'plan', /^is there twice$/],
    ['{"a":1e400}', 'a', /number that is too large/],
    ['{"a":{"b":{"c":null}}}', 'c', /^is null: leave it out/],
    [
      JSON.stringify({ a: 'x'.repeat(maxDocumentBytes - 7) }),
      undefined,
      /^has 8193 bytes of JSON, and at most 8192 fit$/
    ]
  ] as const) {
    const { fault } = readEdited(text)
    t.equal(fault?.field, field, text.slice(0, 30))
    t.match(fault?.message, message)
  }
})
