import { createHmac } from 'node:crypto'
import t from 'tap'
import { opaqueTokens } from '../../../src/adapters/secrets/opaque-tokens.js'
import { type RootSecret, rootSecrets } from '../../../src/adapters/secrets/root-secrets.js'
import { systemEntropy } from '../../../src/adapters/secrets/system.js'
import { parseToken, tokenPrefixes } from '../../../src/core/opaque-token.js'

const device = {
  userId: '0189f7a4-6d3c-4c55-9b1e-2f60718293a4',
  deviceId: '00000000-0000-4000-8000-000000000001',
  issuedAt: 1_700_000_000
}
const content = {
  sid: '0189f7a4-6d3c-4c55-9b1e-2f60718293a4',
  generation: 4_000_000_000,
  secret: Uint8Array.from({ length: 32 }, (_, i) => i)
}

async function secretOf(text: string): Promise<RootSecret> {
  const [secret] = await rootSecrets({
    configured: [text.padEnd(32)],
    dataDir: '',
    required: true,
    entropy: systemEntropy
  })
  return secret
}

t.test('a token opens to what it was issued with', async (t) => {
  const secret = await secretOf('one')
  const tokens = opaqueTokens([secret])
  for (const kind of ['refresh', 'session'] as const) {
    const text = tokens.issue(kind, content)
    t.ok(text.startsWith(tokenPrefixes[kind]))
    t.strictSame(tokens.open(kind, text), content)
    t.equal(parseToken(kind, text)?.keyId, secret.id)
  }
})

t.test('the mac is HMAC-SHA-256 under the key that the root secret gives for the kind', async (t) => {
  const secret = await secretOf('one')
  const bytes = Buffer.from(opaqueTokens([secret]).issue('refresh', content).slice('lk_rt_'.length), 'base64url')
  const expected = createHmac('sha256', secret.deriveKey('refresh token v1'))
    .update(bytes.subarray(0, 54))
    .digest('hex')
  t.equal(bytes.subarray(54).toString('hex'), expected)
})

t.test('no changed character is let through', async (t) => {
  const tokens = opaqueTokens([await secretOf('one')])
  const text = tokens.issue('refresh', content)
  for (let i = 0; i < text.length; i++) {
    const changed = text.slice(0, i) + (text[i] === 'A' ? 'B' : 'A') + text.slice(i + 1)
    t.equal(tokens.open('refresh', changed), undefined, `character ${i}`)
  }
})

t.test('a token of one kind never opens as the other', async (t) => {
  const tokens = opaqueTokens([await secretOf('one')])
  const text = tokens.issue('session', content)
  t.equal(tokens.open('refresh', text), undefined)
  t.equal(tokens.open('refresh', text.replace('lk_st_', 'lk_rt_')), undefined)
})

t.test('the newest secret issues, every listed one opens, no other does', async (t) => {
  const [older, newest, stranger] = [await secretOf('older'), await secretOf('newest'), await secretOf('stranger')]
  const both = opaqueTokens([newest, older])
  t.ok(both.open('refresh', opaqueTokens([older]).issue('refresh', content)))
  t.ok(opaqueTokens([newest]).open('refresh', both.issue('refresh', content)))
  t.equal(opaqueTokens([older]).open('refresh', both.issue('refresh', content)), undefined)
  const forged = opaqueTokens([{ ...stranger, id: newest.id }]).issue('refresh', content)
  t.equal(both.open('refresh', forged), undefined, 'naming our key id does not help')
})

t.test('two secrets that share their key id are both tried', async (t) => {
  const [older, newest] = [await secretOf('older'), await secretOf('newest')]
  const twin = { ...older, id: newest.id }
  const text = opaqueTokens([twin]).issue('refresh', content)
  t.ok(opaqueTokens([newest, twin]).open('refresh', text))
  t.ok(opaqueTokens([twin, newest]).open('refresh', text))
})

t.test('no other text opens', async (t) => {
  const tokens = opaqueTokens([await secretOf('one')])
  for (const text of ['', 'lk_rt_', 'lk_rt_AAAA', 'eyJhbGciOiJub25lIn0.e30.', 'lk_rt_'.repeat(10_000), '\0']) {
    t.equal(tokens.open('refresh', text), undefined)
  }
})

t.test('a device token opens to what it was issued with', async (t) => {
  const secret = await secretOf('one')
  const tokens = opaqueTokens([secret])
  const text = tokens.issue('device', device)
  t.strictSame(tokens.open('device', text), device)
  t.equal(parseToken('device', text)?.keyId, secret.id)
})

t.test('the mac of a device token is under the key that the root secret gives for device tokens alone', async (t) => {
  const secret = await secretOf('one')
  const bytes = Buffer.from(opaqueTokens([secret]).issue('device', device).slice('lk_dt_'.length), 'base64url')
  const expected = createHmac('sha256', secret.deriveKey('device token v2')).update(bytes.subarray(0, 38)).digest('hex')
  t.equal(bytes.subarray(38).toString('hex'), expected)
})

t.test('a device token shows no user id, and two tokens of one user have nothing in common', async (t) => {
  const tokens = opaqueTokens([await secretOf('one')])
  const shown = (content: typeof device) => parseToken('device', tokens.issue('device', content))?.content.userId ?? ''
  const elsewhere = { ...device, deviceId: '00000000-0000-4000-8000-000000000002' }
  const later = { ...device, issuedAt: device.issuedAt + 1 }
  const ids = [device.userId, ...[device, elsewhere, later].map(shown)]
  t.equal(new Set(ids).size, 4)
  const other = opaqueTokens([await secretOf('two')]).issue('device', device)
  t.not(parseToken('device', other)?.content.userId, shown(device), 'it depends on the root secret')
  for (const content of [device, elsewhere, later]) {
    t.strictSame(tokens.open('device', tokens.issue('device', content)), content)
  }
})

t.test('a device token with one changed character is refused', async (t) => {
  const tokens = opaqueTokens([await secretOf('one')])
  const text = tokens.issue('device', device)
  for (let i = 0; i < text.length; i++) {
    const changed = text.slice(0, i) + (text[i] === 'A' ? 'B' : 'A') + text.slice(i + 1)
    t.equal(tokens.open('device', changed), undefined, `character ${i}`)
  }
})

t.test('the newest secret issues device tokens, every listed one opens them, no other does', async (t) => {
  const [older, newest, stranger] = [await secretOf('older'), await secretOf('newest'), await secretOf('stranger')]
  const both = opaqueTokens([newest, older])
  t.ok(both.open('device', opaqueTokens([older]).issue('device', device)))
  t.ok(opaqueTokens([newest]).open('device', both.issue('device', device)))
  t.equal(opaqueTokens([older]).open('device', both.issue('device', device)), undefined)
  const forged = opaqueTokens([{ ...stranger, id: newest.id }]).issue('device', device)
  t.equal(both.open('device', forged), undefined)
})

t.test('a device token is not a credential, and no credential is a device token', async (t) => {
  const tokens = opaqueTokens([await secretOf('one')])
  const text = tokens.issue('device', device)
  for (const kind of ['refresh', 'session'] as const) {
    t.equal(tokens.open(kind, text), undefined)
    const credential = tokens.issue(kind, { sid: device.userId, generation: 0, secret: new Uint8Array(32) })
    t.equal(tokens.open('device', credential), undefined)
    t.equal(tokens.open('device', `lk_dt_${credential.slice('lk_rt_'.length)}`), undefined)
  }
})

/** Made by version 0.1.0. Clients hold such tokens, so a change of a single byte would sign them out, or make them strangers. */
const issuedByOlderVersions = {
  secrets: ['latchkey known token test secret, 1', 'latchkey known token test secret, 2'],
  content: { ...content, secret: Uint8Array.from({ length: 32 }, (_, i) => i * 7) },
  tokens: [
    {
      refresh:
        'lk_rt_AWUBifekbTxMVZseL2BxgpOk7msoAAAHDhUcIyoxOD9GTVRbYmlwd36FjJOaoaivtr3Ey9LZaAtAcpPpaEXxAEbX4zCAR-5UyGe5BRpQQWo5H48_HtE',
      session:
        'lk_st_AWUBifekbTxMVZseL2BxgpOk7msoAAAHDhUcIyoxOD9GTVRbYmlwd36FjJOaoaivtr3Ey9LZim5cbEUTzVf1A6D9fqjcNqaA1po605S_mSuZM_gAd_k',
      device: 'lk_dt_AWUBifekbTxMVZseL2BxgpOkAAAAAAAAQACAAAAAAAAAAWVT8QA_gBU2Y2e51TVKoWcN9M0ozzrR0L9Fr21E-ivwfHekvw'
    },
    {
      refresh:
        'lk_rt_AQ8BifekbTxMVZseL2BxgpOk7msoAAAHDhUcIyoxOD9GTVRbYmlwd36FjJOaoaivtr3Ey9LZ0i7WCn7YvPcoCsu-11yuEFIaLQWEFE8SXihNqbY4oQY',
      session:
        'lk_st_AQ8BifekbTxMVZseL2BxgpOk7msoAAAHDhUcIyoxOD9GTVRbYmlwd36FjJOaoaivtr3Ey9LZUjg_3OvHE18FUMyDThBVfELmGO4AI5KoqTQ3zvnH_fE',
      device: 'lk_dt_AQ8BifekbTxMVZseL2BxgpOkAAAAAAAAQACAAAAAAAAAAWVT8QCJsUA5jwo8seg5HwI-xdFLjl7hagIUI7-qJ9J6vsjb4A'
    }
  ]
} as const

t.test('the bytes of tokens do not change between versions', async (t) => {
  const [first, second] = await Promise.all(issuedByOlderVersions.secrets.map(secretOf))
  if (first === undefined || second === undefined) return t.fail('two secrets are configured')
  const both = opaqueTokens([first, second])
  for (const [i, secret] of [first, second].entries()) {
    const tokens = opaqueTokens([secret])
    const known = issuedByOlderVersions.tokens[i]
    for (const kind of ['refresh', 'session'] as const) {
      t.equal(tokens.issue(kind, issuedByOlderVersions.content), known?.[kind])
      t.strictSame(both.open(kind, known?.[kind] ?? ''), issuedByOlderVersions.content)
    }
    t.strictSame(both.open('device', known?.device ?? ''), device)
  }
})

const link = { linkId: '0189f7a4-6d3c-4c55-9b1e-2f60718293a4' }

t.test('the token of a link opens to its id, has a mac of 256 bits, and is no other token', async (t) => {
  const tokens = opaqueTokens([await secretOf('one')])
  const text = tokens.issue('link', link)
  t.strictSame(tokens.open('link', text), link)
  t.equal(parseToken('link', text)?.mac.length, 32)
  t.equal(tokens.issue('link', link), text, 'it can be derived again')
  for (const kind of ['refresh', 'session', 'device'] as const) t.equal(tokens.open(kind, text), undefined)
  for (let i = 0; i < text.length; i++) {
    const changed = text.slice(0, i) + (text[i] === 'A' ? 'B' : 'A') + text.slice(i + 1)
    t.equal(tokens.open('link', changed), undefined, `character ${i}`)
  }
})

t.test('after a change of the root secret, a token that was issued before can still be derived', async (t) => {
  const [older, newest] = [await secretOf('older'), await secretOf('newest')]
  const before = opaqueTokens([older]).issue('link', link)
  const tokens = opaqueTokens([newest, older])
  t.strictSame(tokens.issueUnderEach('link', link), [tokens.issue('link', link), before])
  t.notOk(opaqueTokens([newest]).issueUnderEach('link', link).includes(before))
})
