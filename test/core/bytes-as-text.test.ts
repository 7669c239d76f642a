import fc from 'fast-check'
import t from 'tap'
import { decodeBase64url, encodeBase64url } from '../../src/core/bytes-as-text.js'

const seeded = { seed: 20, numRuns: 1000 }
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

// RFC 4648 §10, without its padding, and two that use the characters of §5.
const vectors: readonly (readonly [bytes: string, text: string])[] = [
  ['', ''],
  ['66', 'Zg'],
  ['666f', 'Zm8'],
  ['666f6f', 'Zm9v'],
  ['666f6f62', 'Zm9vYg'],
  ['666f6f6261', 'Zm9vYmE'],
  ['666f6f626172', 'Zm9vYmFy'],
  ['fbff', '-_8'],
  ['ffffff', '____']
]

t.test('base64url agrees with the test vectors of RFC 4648', async (t) => {
  for (const [hex, text] of vectors) {
    t.equal(encodeBase64url(Buffer.from(hex, 'hex')), text, `${hex} is written ${text}`)
    t.strictSame(decodeBase64url(text), new Uint8Array(Buffer.from(hex, 'hex')), `${text} is read as ${hex}`)
  }
})

t.test('any bytes are written as Node.js writes them, and are read back', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const text = encodeBase64url(bytes)
      const read = decodeBase64url(text)
      return text === Buffer.from(bytes).toString('base64url') && read !== undefined && Buffer.from(read).equals(bytes)
    }),
    seeded
  )
  t.pass('1,000 arrays of bytes')
})

t.test('a text is read only if writing its bytes gives the same text', async (t) => {
  const nearly = fc.string({ unit: fc.constantFrom(...alphabet, '+', '/', '=', ' ', 'é', '😀'), maxLength: 12 })
  fc.assert(
    fc.property(nearly, (text) => {
      const bytes = decodeBase64url(text)
      const isCanonical = Buffer.from(text, 'base64url').toString('base64url') === text
      return bytes === undefined ? !isCanonical : encodeBase64url(bytes) === text
    }),
    seeded
  )
  t.pass('1,000 texts')
})

t.test('other spellings are refused', async (t) => {
  const refused = {
    padding: 'Zg==',
    'the alphabet of plain base64': '+/8',
    'a length that no bytes have': 'Zm9vY',
    'a single character': 'A',
    'a blank': 'Zm9v Zg',
    'a line end': 'Zm9v\n',
    'stray bits after one byte': 'Zh',
    'stray bits after two bytes': 'Zm9',
    'a character outside ASCII': 'Zm9é',
    'a character of two code units': 'Zm9v😀'
  }
  for (const [what, text] of Object.entries(refused)) t.equal(decodeBase64url(text), undefined, what)
})
