import t from 'tap'
import { endedReasons } from '../../src/core/reasons.js'
import { type Revocation, refusalBy, strongerRevocation } from '../../src/core/revocation.js'

const sid = '00112233-4455-6677-8899-aabbccddeeff'
const revocation = (change: Partial<Revocation>): Revocation => ({
  id: 1n,
  sid,
  reason: 'logged_out',
  at: 5_999,
  expiresAt: 900_000,
  ...change
})
const issued = (iat: number) => ({ sid, iat })

t.test('a session that has ended: all its tokens, whenever they were issued', async (t) => {
  for (const reason of endedReasons) {
    t.equal(refusalBy(revocation({ reason }), issued(0)), 'session_revoked', reason)
    t.equal(refusalBy(revocation({ reason }), issued(9_999)), 'session_revoked', `${reason}, issued later`)
  }
})

t.test('changed roles: the tokens issued up to then, as expired', async (t) => {
  for (const of of [sid, null]) {
    const changed = revocation({ sid: of, reason: 'roles_changed' })
    t.equal(refusalBy(changed, issued(4)), 'token_expired')
    t.equal(refusalBy(changed, issued(5)), 'token_expired', 'the same second: it may carry the old roles')
    t.equal(refusalBy(changed, issued(6)), undefined, 'the next second')
  }
})

t.test('everybody: the tokens issued up to then', async (t) => {
  const everybody = revocation({ sid: null, reason: 'revoked_by_admin' })
  t.equal(refusalBy(everybody, issued(4)), 'session_revoked')
  t.equal(refusalBy(everybody, issued(5)), 'session_revoked', 'the same second')
  t.equal(refusalBy(everybody, issued(6)), undefined, 'the next second')
  t.equal(refusalBy(revocation({ sid: null, at: 5_000 }), issued(5)), 'session_revoked', 'at the full second')
  t.equal(refusalBy(revocation({ sid: null, at: 4_999 }), issued(5)), undefined, 'a millisecond before it')
})

t.test('of two entries the stronger one stays, and reaches as far as either', async (t) => {
  const ended = revocation({ at: 5_000, expiresAt: 100 })
  const changed = revocation({ reason: 'roles_changed', at: 6_000, expiresAt: 200 })
  const changedLater = revocation({ reason: 'roles_changed', at: 7_000, expiresAt: 150 })
  const endedLater = revocation({ at: 8_000, expiresAt: 50 })
  for (const [a, b, stronger] of [
    [ended, changed, { ...ended, expiresAt: 200 }],
    [changed, changedLater, { ...changedLater, expiresAt: 200 }],
    [changed, endedLater, { ...endedLater, expiresAt: 200 }],
    [ended, endedLater, { ...endedLater, expiresAt: 100 }]
  ] as const) {
    t.strictSame(strongerRevocation(a, b), stronger)
    t.strictSame(strongerRevocation(b, a), stronger, 'in whichever order they come')
  }
})
