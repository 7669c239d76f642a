import fc from 'fast-check'
import t from 'tap'
import {
  type DeviceTokenContent,
  formatToken,
  type ParsedToken,
  parseToken,
  type SessionTokenContent,
  signedBytes,
  tokenPrefixes
} from '../../src/core/opaque-token.js'

const seeded = { seed: 21, numRuns: 500 }

const keyId = 7
const content: SessionTokenContent = {
  sid: '00112233-4455-6677-8899-aabbccddeeff',
  generation: 0x01020304,
  secret: Uint8Array.from({ length: 32 }, (_, i) => i)
}
const mac = new Uint8Array(32).fill(0xff)
const body = 'AQcAESIzRFVmd4iZqrvM3e7_AQIDBAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f'
const vector = `lk_rt_${body}__________________________________________8`

const keyIds = fc.nat(255)
const contents = fc.record({
  sid: fc.uuid(),
  generation: fc.nat(0xffffffff),
  secret: fc.uint8Array({ minLength: 32, maxLength: 32 })
})
const macs = fc.uint8Array({ minLength: 32, maxLength: 32 })
const kinds = fc.constantFrom('refresh' as const, 'session' as const)

const sameBytes = (a: Uint8Array, b: Uint8Array) => Buffer.from(a).equals(b)
const read = (text: string): ParsedToken<'refresh'> => {
  const parsed = parseToken('refresh', text)
  if (parsed === undefined) throw new Error(`not a token: ${text}`)
  return parsed
}

t.test('a token has the bytes of an example written by hand', async (t) => {
  t.equal(formatToken('refresh', signedBytes('refresh', keyId, content), mac), vector)
  t.equal(formatToken('session', signedBytes('session', keyId, content), mac), vector.replace('lk_rt_', 'lk_st_'))
  t.equal(vector.length, 121, 'small enough for a cookie of 300 bytes')
  const parsed = read(vector)
  t.strictSame(parsed.content, content)
  t.equal(parsed.keyId, keyId)
  t.ok(sameBytes(parsed.mac, mac))
  t.equal(Buffer.from(parsed.signed).toString('base64url'), body)
})

t.test('the smallest and the largest token are read as written', async (t) => {
  const smallest = { sid: '00000000-0000-0000-0000-000000000000', generation: 0, secret: new Uint8Array(32) }
  const text = formatToken('refresh', signedBytes('refresh', 0, smallest), new Uint8Array(32))
  t.equal(text, `lk_rt_AQ${'A'.repeat(113)}`)
  t.match(read(text), { keyId: 0, content: smallest })
  const largest = {
    sid: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
    generation: 0xffffffff,
    secret: new Uint8Array(32).fill(0xff)
  }
  const largestText = formatToken('refresh', signedBytes('refresh', 255, largest), mac)
  t.equal(largestText, `lk_rt_Af${'_'.repeat(112)}8`)
  t.match(read(largestText), { keyId: 255, content: largest })
})

t.test('any token is read as it was written', async (t) => {
  fc.assert(
    fc.property(kinds, keyIds, contents, macs, (kind, keyId, content, mac) => {
      const signed = signedBytes(kind, keyId, content)
      const parsed = parseToken(kind, formatToken(kind, signed, mac))
      return (
        parsed !== undefined &&
        parsed.keyId === keyId &&
        parsed.content.sid === content.sid &&
        parsed.content.generation === content.generation &&
        sameBytes(parsed.content.secret, content.secret) &&
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

t.test('different contents never have the same signed bytes', async (t) => {
  fc.assert(
    fc.property(keyIds, keyIds, contents, contents, (idOfA, idOfB, a, b) => {
      const isSame =
        idOfA === idOfB && a.sid === b.sid && a.generation === b.generation && sameBytes(a.secret, b.secret)
      return isSame === sameBytes(signedBytes('refresh', idOfA, a), signedBytes('refresh', idOfB, b))
    }),
    seeded
  )
  const signed = (change: Partial<SessionTokenContent>, id = keyId) =>
    signedBytes('refresh', id, { ...content, ...change })
  t.notSame(signed({}, 8), signed({}))
  t.notSame(signed({ generation: content.generation + 1 }), signed({}))
  t.notSame(signed({ sid: content.sid.replace('ff', 'fe') }), signed({}))
  t.notSame(signed({ secret: new Uint8Array(32) }), signed({}))
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
    fc.property(keyIds, contents, macs, (keyId, content, mac) => {
      const text = formatToken('refresh', signedBytes('refresh', keyId, content), mac)
      const { signed, mac: readMac } = read(text)
      return formatToken('refresh', signed, readMac) === text
    }),
    seeded
  )
})

t.test('texts that are not our tokens are refused', async (t) => {
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

const device: DeviceTokenContent = {
  userId: '0189f7a4-6d3c-4c55-9b1e-2f60718293a4',
  deviceId: 'ffffffff-0000-4000-8000-00000000000f',
  issuedAt: 4_000_000_000
}
const deviceMac = Uint8Array.from({ length: 32 }, (_, i) => 255 - i)
const deviceToken = formatToken('device', signedBytes('device', 200, device), deviceMac)

t.test('any device token is read as it was written', async (t) => {
  const devices = fc.record({ userId: fc.uuid(), deviceId: fc.uuid(), issuedAt: fc.nat(2 ** 32 - 1) })
  fc.assert(
    fc.property(keyIds, devices, macs, (keyId, written, mac) => {
      const signed = signedBytes('device', keyId, written)
      const parsed = parseToken('device', formatToken('device', signed, mac))
      t.strictSame(parsed?.content, { ...written })
      t.equal(parsed?.keyId, keyId)
      t.ok(parsed && sameBytes(parsed.signed, signed) && sameBytes(parsed.mac, mac))
    }),
    { seed: 28, numRuns: 100 }
  )
})

t.test('a device token has the documented layout', async (t) => {
  t.match(deviceToken, /^lk_dt_[\w-]{94}$/)
  const bytes = Buffer.from(deviceToken.slice('lk_dt_'.length), 'base64url').toString('hex')
  const expected = ['01', 'c8', device.userId, device.deviceId, 'ee6b2800', Buffer.from(deviceMac).toString('hex')]
  t.equal(bytes, expected.join('').replaceAll('-', ''))
})

t.test('a device token has one spelling, and other texts are refused', async (t) => {
  for (const other of [
    '',
    'lk_dt_',
    deviceToken.slice(0, -1),
    `${deviceToken}A`,
    deviceToken.replace('lk_dt_', 'lk_rt_'),
    deviceToken.replace('lk_dt_', ''),
    `lk_dt_Ag${deviceToken.slice('lk_dt_Ag'.length)}`,
    `${deviceToken.slice(0, -1)}!`,
    `${deviceToken.slice(0, -1)}=`
  ]) {
    t.equal(parseToken('device', other), undefined, other)
  }
})

t.test('any token of a link is read as it was written, and as no other kind', async (t) => {
  fc.assert(
    fc.property(keyIds, fc.uuid(), macs, (keyId, linkId, mac) => {
      const token = formatToken('link', signedBytes('link', keyId, { linkId }), mac)
      const parsed = parseToken('link', token)
      return (
        parsed?.content.linkId === linkId &&
        parsed.keyId === keyId &&
        sameBytes(parsed.mac, mac) &&
        parseToken('refresh', token) === undefined
      )
    }),
    seeded
  )
  t.match(formatToken('link', signedBytes('link', 7, { linkId: content.sid }), mac), /^lk_ot_[\w-]{67}$/)
})
