import t from 'tap'
import { revokedTokens } from '../../src/verifier/revoked-tokens.js'

const entry = (sid: string, expiresAt: number) => ({ sid, reason: 'logged_out', at: 0, expiresAt })

t.test('entries leave when no unexpired token can meet them, and a session has one', async (t) => {
  const revoked = revokedTokens()
  for (let i = 0; i < 1000; i++) revoked.add(entry(`session-${i % 500}`, 1000 + i))
  t.equal(revoked.size, 500)
  revoked.sweep(1500)
  t.equal(revoked.size, 499)
  t.equal(revoked.refusal({ sid: 'session-0', iat: 0 }), undefined)
  t.equal(revoked.refusal({ sid: 'session-1', iat: 0 }), 'session_revoked')
  revoked.sweep(10_000)
  t.equal(revoked.size, 0)
})
