import { createHmac } from 'node:crypto'
import t from 'tap'
import { deviceTokens } from '../../../src/adapters/secrets/device-tokens.js'
import { opaqueTokens } from '../../../src/adapters/secrets/opaque-tokens.js'
import { type RootSecret, rootSecrets } from '../../../src/adapters/secrets/root-secrets.js'
import { systemEntropy } from '../../../src/adapters/secrets/system.js'

const content = {
  userId: '0189f7a4-6d3c-4c55-9b1e-2f60718293a4',
  deviceId: '00000000-0000-4000-8000-000000000001',
  issuedAt: 1_700_000_000
}

async function secretOf(text: string): Promise<RootSecret> {
  const configured = [text.padEnd(32)]
  const [secret] = await rootSecrets({ configured, dataDir: '', required: true, entropy: systemEntropy })
  return secret
}

t.test('a token opens to what it was issued with', async (t) => {
  const secret = await secretOf('one')
  const tokens = deviceTokens([secret])
  t.strictSame(tokens.open(tokens.issue(content)), { ...content, keyId: secret.id })
})

t.test('the mac is HMAC-SHA-256 under the key that the root secret gives for device tokens alone', async (t) => {
  const secret = await secretOf('one')
  const bytes = Buffer.from(deviceTokens([secret]).issue(content).slice('lk_dt_'.length), 'base64url')
  const expected = createHmac('sha256', secret.deriveKey('device token v1')).update(bytes.subarray(0, 38)).digest('hex')
  t.equal(bytes.subarray(38).toString('hex'), expected)
})

t.test('no changed character is let through', async (t) => {
  const tokens = deviceTokens([await secretOf('one')])
  const text = tokens.issue(content)
  for (let i = 0; i < text.length; i++) {
    const changed = text.slice(0, i) + (text[i] === 'A' ? 'B' : 'A') + text.slice(i + 1)
    t.equal(tokens.open(changed), undefined, `character ${i}`)
  }
})

t.test('the newest secret issues, every listed one opens, no other does', async (t) => {
  const [older, newest, stranger] = [await secretOf('older'), await secretOf('newest'), await secretOf('stranger')]
  const both = deviceTokens([newest, older])
  t.ok(both.open(deviceTokens([older]).issue(content)))
  t.ok(deviceTokens([newest]).open(both.issue(content)))
  t.equal(deviceTokens([older]).open(both.issue(content)), undefined)
  t.equal(both.open(deviceTokens([{ ...stranger, id: newest.id }]).issue(content)), undefined)
})

t.test('it is no credential, and no credential is one', async (t) => {
  const secret = await secretOf('one')
  const [devices, opaque] = [deviceTokens([secret]), opaqueTokens([secret])]
  const device = devices.issue(content)
  for (const kind of ['refresh', 'session'] as const) {
    t.equal(opaque.open(kind, device), undefined)
    const token = opaque.issue(kind, { sid: content.userId, generation: 0, secret: new Uint8Array(32) })
    t.equal(devices.open(token), undefined)
    t.equal(devices.open(`lk_dt_${token.slice('lk_rt_'.length)}`), undefined)
  }
})
