import fc from 'fast-check'
import t from 'tap'
import {
  formatToken,
  type ParsedToken,
  parseToken,
  signedBytes,
  type TokenContent,
  tokenPrefixes
} from '../../src/core/refresh-token.js'

const seeded = { seed: 21, numRuns: 500 }

const content: TokenContent = {
  keyId: 7,
  sid: '00112233-4455-6677-8899-aabbccddeeff',
  generation: 0x01020304,
  secret: Uint8Array.from({ length: 32 }, (_, i) => i)
}
const mac = new Uint8Array(32).fill(0xff)
const body = 'AQcAESIzRFVmd4iZqrvM3e7_AQIDBAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f'
const vector = `lk_rt_${body}__________________________________________8`

const contents = fc.record({
  keyId: fc.nat(255),
  sid: fc.uuid(),
  generation: fc.nat(0xffffffff),
  secret: fc.uint8Array({ minLength: 32, maxLength: 32 })
})
const macs = fc.uint8Array({ minLength: 32, maxLength: 32 })
const kinds = fc.constantFrom('refresh' as const, 'session' as const)

const sameBytes = (a: Uint8Array, b: Uint8Array) => Buffer.from(a).equals(b)
const read = (text: string): ParsedToken => {
  const parsed = parseToken('refresh', text)
  if (parsed === undefined) throw new Error(`not read: ${text}`)
  return parsed
}

t.test('a token written out by hand', async (t) => {
  t.equal(formatToken('refresh', signedBytes(content), mac), vector)
  t.equal(formatToken('session', signedBytes(content), mac), vector.replace('lk_rt_', 'lk_st_'))
  t.equal(vector.length, 121, 'small enough for a cookie of 300 bytes')
  const { signed, mac: readMac, ...readContent } = read(vector)
  t.strictSame(readContent, content)
  t.strictSame(readMac, mac)
  t.equal(Buffer.from(signed).toString('base64url'), body)
})

t.test('the smallest and the largest token', async (t) => {
  const smallest = { keyId: 0, sid: '00000000-0000-0000-0000-000000000000', generation: 0, secret: new Uint8Array(32) }
  const text = formatToken('refresh', signedBytes(smallest), new Uint8Array(32))
  t.equal(text, `lk_rt_AQ${'A'.repeat(113)}`)
  t.match(read(text), smallest)
  const largest = {
    keyId: 255,
    sid: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
    generation: 0xffffffff,
    secret: new Uint8Array(32).fill(0xff)
  }
  const largestText = formatToken('refresh', signedBytes(largest), mac)
  t.equal(largestText, `lk_rt_Af${'_'.repeat(112)}8`)
  t.match(read(largestText), largest)
})

t.test('any token is read as it was written', async (t) => {
  fc.assert(
    fc.property(kinds, contents, macs, (kind, content, mac) => {
      const signed = signedBytes(content)
      const parsed = parseToken(kind, formatToken(kind, signed, mac))
      return (
        parsed !== undefined &&
        parsed.keyId === content.keyId &&
        parsed.sid === content.sid &&
        parsed.generation === content.generation &&
        sameBytes(parsed.secret, content.secret) &&
        sameBytes(parsed.signed, signed) &&
        sameBytes(parsed.mac, mac)
      )
    }),
    seeded
  )
  t.pass('500 tokens')
})

t.test(
  'every single character, changed to any other, is refused or changes what the mac is checked against',
  async (t) => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ é'
    const original = read(vector)
    let refused = 0
    const unnoticed: string[] = []
    for (let at = 0; at < vector.length; at++) {
      for (const character of alphabet) {
        if (character === vector[at]) continue
        const changed = vector.slice(0, at) + character + vector.slice(at + 1)
        const parsed = parseToken('refresh', changed)
        if (parsed === undefined) refused++
        else if (sameBytes(parsed.signed, original.signed) && sameBytes(parsed.mac, original.mac))
          unnoticed.push(changed)
      }
    }
    t.strictSame(unnoticed, [])
    t.ok(refused > 0)
  }
)

t.test('every single byte, changed to any other, is refused or changes what the mac is checked against', async (t) => {
  const original = read(vector)
  const bytes = Buffer.from(vector.slice(6), 'base64url')
  const unnoticed: number[] = []
  for (let at = 0; at < bytes.length; at++) {
    for (let by = 1; by < 256; by++) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ by
      const parsed = parseToken('refresh', tokenPrefixes.refresh + changed.toString('base64url'))
      if (parsed === undefined) continue
      if (sameBytes(parsed.signed, original.signed) && sameBytes(parsed.mac, original.mac)) unnoticed.push(at)
    }
  }
  t.strictSame(unnoticed, [])
})

t.test('every content has bytes of its own', async (t) => {
  fc.assert(
    fc.property(contents, contents, (a, b) => {
      const isSame =
        a.keyId === b.keyId && a.sid === b.sid && a.generation === b.generation && sameBytes(a.secret, b.secret)
      return isSame === sameBytes(signedBytes(a), signedBytes(b))
    }),
    seeded
  )
  t.notSame(signedBytes({ ...content, keyId: 8 }), signedBytes(content))
  t.notSame(signedBytes({ ...content, generation: content.generation + 1 }), signedBytes(content))
  t.notSame(signedBytes({ ...content, sid: content.sid.replace('ff', 'fe') }), signedBytes(content))
  t.notSame(signedBytes({ ...content, secret: new Uint8Array(32) }), signedBytes(content))
})

t.test('a token has one spelling', async (t) => {
  const respelled = {
    padded: `${vector}=`,
    'with stray low bits': vector.replace(/8$/, '9'),
    'in plain base64': vector.replaceAll('_', '/').replace('lk/rt/', 'lk_rt_'),
    'with a blank before': ` ${vector}`,
    'with a blank after': `${vector} `,
    'with a line end after': `${vector}\n`,
    'with its prefix in capitals': vector.replace('lk_rt_', 'LK_RT_')
  }
  for (const [how, text] of Object.entries(respelled)) t.equal(parseToken('refresh', text), undefined, how)
  fc.assert(
    fc.property(contents, macs, (content, mac) => {
      const text = formatToken('refresh', signedBytes(content), mac)
      const { signed, mac: readMac } = read(text)
      return formatToken('refresh', signed, readMac) === text
    }),
    seeded
  )
})

t.test('what is no token of ours', async (t) => {
  const bytes = Buffer.from(vector.slice(6), 'base64url')
  const texts = {
    nothing: '',
    'a prefix': 'lk_rt_',
    'a session token': vector.replace('lk_rt_', 'lk_st_'),
    'a token of no kind': vector.slice(6),
    'one byte too few': `lk_rt_${bytes.subarray(1).toString('base64url')}`,
    'one byte too many': `lk_rt_${Buffer.concat([bytes, Buffer.of(0)]).toString('base64url')}`,
    'version 0': `lk_rt_${Buffer.concat([Buffer.of(0), bytes.subarray(1)]).toString('base64url')}`,
    'version 2': `lk_rt_${Buffer.concat([Buffer.of(2), bytes.subarray(1)]).toString('base64url')}`,
    'a JWT': 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl'
  }
  for (const [what, text] of Object.entries(texts)) t.equal(parseToken('refresh', text), undefined, what)
  t.equal(parseToken('session', vector), undefined, 'a refresh token where a session token belongs')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => parseToken('refresh', `lk_rt_${text}`) === undefined),
    seeded
  )
})
