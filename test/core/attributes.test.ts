import t from 'tap'
import {
  attributesInToken,
  changedMembers,
  faultOfAttributes,
  maxTokenAttributesBytes
} from '../../src/core/attributes.js'
import { maxDocumentBytes } from '../../src/core/json-document.js'

/** A value with which the document `{name: value}` has this many bytes. */
const filling = (bytes: number, name: string) => 'x'.repeat(bytes - JSON.stringify({ [name]: '' }).length)

t.test('attributes have at most 8 KiB of JSON, and those in access tokens 1 KiB', async (t) => {
  t.equal(faultOfAttributes({ a: filling(maxDocumentBytes, 'a') }, []), undefined)
  t.strictSame(faultOfAttributes({ a: filling(maxDocumentBytes + 1, 'a') }, []), {
    field: 'attributes',
    message: 'would make the attributes longer than 8192 bytes'
  })
  t.equal(faultOfAttributes({ plan: filling(maxTokenAttributesBytes, 'plan') }, ['plan']), undefined)
  t.strictSame(faultOfAttributes({ plan: filling(maxTokenAttributesBytes + 1, 'plan') }, ['plan', 'tenant']), {
    field: 'attributes',
    message: 'would make those in access tokens (plan, tenant) longer than 1024 bytes'
  })
})

t.test('the named attributes go into a token, in that order, as long as they fit', async (t) => {
  const attributes = { tenant: 't', plan: null, other: 1 }
  t.strictSame(attributesInToken(attributes, ['plan', 'tenant', 'missing', 'toString']), {
    taken: { plan: null, tenant: 't' },
    left: []
  })
  const long = { big: 'x'.repeat(maxTokenAttributesBytes), plan: 'pro' }
  t.strictSame(attributesInToken(long, ['big', 'plan']), { taken: { plan: 'pro' }, left: ['big'] })
  t.strictSame(attributesInToken(attributes, []), { taken: {}, left: [] })
})

t.test('the changed members are those that were added, removed or have another value', async (t) => {
  t.strictSame(changedMembers({ a: 1, b: [1, { c: 2 }], d: null }, { b: [1, { c: 3 }], d: null, e: null }), [
    'a',
    'b',
    'e'
  ])
  t.strictSame(changedMembers({ a: { b: 1 } }, { a: { b: 1 } }), [])
})
