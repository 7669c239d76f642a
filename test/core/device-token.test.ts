import fc from 'fast-check'
import t from 'tap'
import { formatDeviceToken, parseDeviceToken, signedDeviceBytes } from '../../src/core/device-token.js'

const content = {
  keyId: 200,
  userId: '0189f7a4-6d3c-4c55-9b1e-2f60718293a4',
  deviceId: 'ffffffff-0000-4000-8000-00000000000f',
  issuedAt: 4_000_000_000
}
const mac = Uint8Array.from({ length: 32 }, (_, i) => 255 - i)

t.test('a token reads as it was written', async (t) => {
  fc.assert(
    fc.property(
      fc.record({
        keyId: fc.nat(255),
        userId: fc.uuid(),
        deviceId: fc.uuid(),
        issuedAt: fc.nat(2 ** 32 - 1)
      }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      (written, itsMac) => {
        const signed = signedDeviceBytes(written)
        const read = parseDeviceToken(formatDeviceToken(signed, itsMac))
        t.strictSame(read, { ...written, signed, mac: itsMac })
      }
    ),
    { seed: 28, numRuns: 100 }
  )
})

t.test('its layout is the documented one', async (t) => {
  const text = formatDeviceToken(signedDeviceBytes(content), mac)
  t.match(text, /^lk_dt_[\w-]{94}$/)
  const bytes = Buffer.from(text.slice('lk_dt_'.length), 'base64url').toString('hex')
  const expected = ['01', 'c8', content.userId, content.deviceId, 'ee6b2800', Buffer.from(mac).toString('hex')]
  t.equal(bytes, expected.join('').replaceAll('-', ''))
})

t.test('no other text is one', async (t) => {
  const text = formatDeviceToken(signedDeviceBytes(content), mac)
  const otherVersion = `lk_dt_Ag${text.slice('lk_dt_Ag'.length)}`
  for (const other of [
    '',
    'lk_dt_',
    text.slice(0, -1),
    `${text}A`,
    text.replace('lk_dt_', 'lk_rt_'),
    text.replace('lk_dt_', ''),
    otherVersion,
    `${text.slice(0, -1)}!`,
    `${text.slice(0, -1)}=`
  ]) {
    t.equal(parseDeviceToken(other), undefined, other)
  }
})
