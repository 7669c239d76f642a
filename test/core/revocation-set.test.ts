import t from 'tap'
import { type Revocation, refusalBy, revocationSet, strongerRevocation } from '../../src/core/revocation-set.js'
import { endedReasons } from '../../src/core/vocabulary.js'
import { revocation, revocationContract, revokedAt } from '../contract/revocations.js'

revocationContract(t, async (_t, now) => {
  const set = revocationSet()
  return {
    async take(entries) {
      for (const entry of entries) set.add(entry)
      set.sweep(now())
    },
    refuses: set.refuses,
    size: () => set.size
  }
})

t.test('the entry that refuses a token can be asked for', async (t) => {
  const set = revocationSet()
  const iat = Math.floor(revokedAt / 1000)
  const own = revocation('ended')
  set.add(own)
  t.match(set.entryAgainst({ sid: 'ended', iat }), { sid: 'ended', reason: own.reason })
  t.equal(set.entryAgainst({ sid: 'other', iat }), undefined)
  set.add(revocation(null))
  t.match(set.entryAgainst({ sid: 'other', iat }), { sid: null })
  t.equal(set.entryAgainst({ sid: 'other', iat: iat + 1 }), undefined, 'it was issued afterwards')
})

t.test(
  'a token can be issued from the second after the entry; for a session without an entry, at any time',
  async (t) => {
    const second = Math.floor(revokedAt / 1000)
    const set = revocationSet()
    set.add(revocation('roles', { reason: 'roles_changed' }))
    set.add(revocation('ended'))
    t.equal(set.issuableFrom('other'), 0)
    t.equal(set.issuableFrom('ended'), 0, 'no wait makes the token of an ended session good')
    t.equal(set.issuableFrom('roles'), (second + 1) * 1000)
    t.equal(set.refuses({ sid: 'roles', iat: set.issuableFrom('roles') / 1000 }), undefined)
    t.equal(set.refuses({ sid: 'roles', iat: set.issuableFrom('roles') / 1000 - 1 }), 'token_expired')

    set.add(revocation(null, { at: revokedAt + 2000 }))
    t.equal(set.issuableFrom('other'), (second + 3) * 1000)
    t.equal(set.issuableFrom('roles'), (second + 3) * 1000, 'the later of the two')
    t.equal(set.refuses({ sid: 'other', iat: set.issuableFrom('other') / 1000 }), undefined)
  }
)

t.test('a sweep removes no more entries than asked', async (t) => {
  const set = revocationSet()
  for (let i = 0; i < 1000; i++) set.add(revocation(`session-${i % 500}`, { expiresAt: revokedAt + i }))
  t.equal(set.size, 500)
  set.sweep(revokedAt + 500)
  t.equal(set.size, 499)
  t.equal(set.refuses({ sid: 'session-0', iat: 0 }), undefined)
  t.equal(set.refuses({ sid: 'session-1', iat: 0 }), 'session_revoked')
  set.sweep(revokedAt + 10_000, 100)
  t.equal(set.size, 399)
  set.sweep(revokedAt + 10_000, 0)
  t.equal(set.size, 399)
  set.sweep(revokedAt + 10_000)
  t.equal(set.size, 0)
})

const sid = '00112233-4455-6677-8899-aabbccddeeff'
const entry = (change: Partial<Revocation>): Revocation => ({
  id: 1n,
  sid,
  reason: 'logged_out',
  at: 5_999,
  expiresAt: 900_000,
  ...change
})
const issued = (iat: number) => ({ sid, iat })

t.test('an ended session: all its tokens are refused, whenever they were issued', async (t) => {
  for (const reason of endedReasons) {
    t.equal(refusalBy(entry({ reason }), issued(0)), 'session_revoked', reason)
    t.equal(refusalBy(entry({ reason }), issued(9_999)), 'session_revoked', `${reason}, issued later`)
  }
})

t.test('changed roles: the tokens issued up to then are refused as expired', async (t) => {
  for (const of of [sid, null]) {
    const changed = entry({ sid: of, reason: 'roles_changed' })
    t.equal(refusalBy(changed, issued(4)), 'token_expired')
    t.equal(refusalBy(changed, issued(5)), 'token_expired', 'the same second: it may carry the old roles')
    t.equal(refusalBy(changed, issued(6)), undefined, 'the next second')
  }
})

t.test('the end of all sessions: the tokens issued up to then are refused', async (t) => {
  const everybody = entry({ sid: null, reason: 'revoked_by_admin' })
  t.equal(refusalBy(everybody, issued(4)), 'session_revoked')
  t.equal(refusalBy(everybody, issued(5)), 'session_revoked', 'the same second')
  t.equal(refusalBy(everybody, issued(6)), undefined, 'the next second')
  t.equal(refusalBy(entry({ sid: null, at: 5_000 }), issued(5)), 'session_revoked', 'at the full second')
  t.equal(refusalBy(entry({ sid: null, at: 4_999 }), issued(5)), undefined, 'a millisecond before it')
})

t.test('of two entries the stronger one stays, and lives as long as either', async (t) => {
  const ended = entry({ at: 5_000, expiresAt: 100 })
  const changed = entry({ reason: 'roles_changed', at: 6_000, expiresAt: 200 })
  const changedLater = entry({ reason: 'roles_changed', at: 7_000, expiresAt: 150 })
  const endedLater = entry({ at: 8_000, expiresAt: 50 })
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
