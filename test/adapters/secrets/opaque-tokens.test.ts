import { createHmac } from 'node:crypto'
import t from 'tap'
import { opaqueTokens } from '../../../src/adapters/secrets/opaque-tokens.js'
import { type RootSecret, rootSecrets } from '../../../src/adapters/secrets/root-secrets.js'
import { systemEntropy } from '../../../src/adapters/secrets/system.js'
import { tokenPrefixes } from '../../../src/core/refresh-token.js'

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
    t.strictSame(tokens.open(kind, text), { ...content, keyId: secret.id })
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
