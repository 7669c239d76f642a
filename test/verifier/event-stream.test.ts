import t from 'tap'
import { eventStreamReader } from '../../src/verifier/event-stream.js'

const stream =
  ': hello\n\nid: 1\nevent: revocation\ndata: {"sid":\ndata: null}\n\nevent: ready\ndata:{}\n\ndata\n\nretry: 3\nfoo: bar\n\n'
const events = [
  { id: '1', type: 'revocation', data: '{"sid":\nnull}' },
  { id: '1', type: 'ready', data: '{}' },
  { id: '1', type: 'message', data: '' }
]

t.test('the parser returns the same events wherever the text is cut', async (t) => {
  for (const text of [stream, stream.replaceAll('\n', '\r\n')]) {
    for (let size = 1; size <= text.length; size++) {
      const read = eventStreamReader()
      const found = []
      for (let from = 0; from < text.length; from += size) found.push(...read(text.slice(from, from + size)))
      t.strictSame(found, events, `in pieces of ${size}`)
    }
  }
})

t.test('an incomplete event is not returned', async (t) => {
  t.strictSame(eventStreamReader()('id: 1\nevent: revocation\ndata: {}\n'), [])
})

t.test('a line or an event that is too long throws', async (t) => {
  t.throws(() => eventStreamReader()('x'.repeat(70_000)), { message: 'a line is too long' })
  t.throws(() => eventStreamReader()('data: 0123456789\n'.repeat(7000)), { message: 'an event is too long' })
})
