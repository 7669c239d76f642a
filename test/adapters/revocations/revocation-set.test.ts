import t from 'tap'
import { revocationSet } from '../../../src/adapters/revocations/revocation-set.js'
import type { Revocation } from '../../../src/core/revocation.js'

const at = 1_800_000_000_500
const second = Math.floor(at / 1000)
let lastId = 0n

function revocation(sid: string | null, rest: Partial<Revocation> = {}): Revocation {
  lastId += 1n
  return { id: lastId, sid, reason: 'logged_out', at, expiresAt: at + 660_000, ...rest }
}

async function setOf(loaded: readonly Revocation[] = [], clock = { now: () => at }) {
  return revocationSet(async () => loaded, clock)
}

t.test('what was loaded at the start and what was announced since are refused, others are not', async (t) => {
  const set = await setOf([revocation('loaded')])
  await set.announce([revocation('announced')])
  t.equal(set.refuses({ sid: 'loaded', iat: second }), 'session_revoked')
  t.equal(set.refuses({ sid: 'announced', iat: second + 500 }), 'session_revoked')
  t.equal(set.refuses({ sid: 'other', iat: second }), undefined)
})

t.test('a load that fails fails the start', async (t) => {
  await t.rejects(
    revocationSet(() => Promise.reject(new Error('no database')), { now: () => at }),
    { message: 'no database' }
  )
})

t.test('changed roles make older tokens stale and leave newer ones alone', async (t) => {
  const set = await setOf([revocation('s', { reason: 'roles_changed' })])
  t.equal(set.refuses({ sid: 's', iat: second }), 'token_expired')
  t.equal(set.refuses({ sid: 's', iat: second + 1 }), undefined)
  t.equal(set.refuses({ sid: 'other', iat: second }), undefined)
})

t.test('roles that changed twice count from the later time, in whatever order the news come', async (t) => {
  const [earlier, later] = [
    revocation('s', { reason: 'roles_changed' }),
    revocation('s', { reason: 'roles_changed', at: at + 5000, expiresAt: at + 665_000 })
  ]
  for (const order of [
    [earlier, later],
    [later, earlier]
  ]) {
    const set = await setOf(order)
    t.equal(set.refuses({ sid: 's', iat: second + 5 }), 'token_expired')
    t.equal(set.refuses({ sid: 's', iat: second + 6 }), undefined)
    t.equal(set.size, 1)
  }
})

t.test('an end outweighs changed roles, in whatever order they come', async (t) => {
  const ended = revocation('s')
  const roles = revocation('s', { reason: 'roles_changed' })
  const laterRoles = revocation('s', { reason: 'roles_changed', at: at + 9000 })
  const earlierRoles = revocation('s', { reason: 'roles_changed', at: at - 9000 })
  for (const order of [
    [ended, roles],
    [roles, ended],
    [ended, laterRoles],
    [laterRoles, ended],
    [earlierRoles, ended]
  ]) {
    const set = await setOf(order)
    t.equal(set.refuses({ sid: 's', iat: second + 60 }), 'session_revoked')
  }
})

t.test("everybody's end refuses every token issued up to then, also where only roles had changed", async (t) => {
  const set = await setOf([revocation('s', { reason: 'roles_changed' })])
  await set.announce([revocation(null, { reason: 'revoked_by_admin' })])
  t.equal(set.refuses({ sid: 's', iat: second }), 'session_revoked')
  t.equal(set.refuses({ sid: 'any', iat: second }), 'session_revoked')
  t.equal(set.refuses({ sid: 'any', iat: second + 1 }), undefined)
  t.equal(set.size, 2)
})

t.test('a token can be issued from the second after; for a session that nothing concerns, at any time', async (t) => {
  const set = await setOf([revocation('roles', { reason: 'roles_changed' }), revocation('ended')])
  t.equal(set.issuableFrom('other'), 0)
  t.equal(set.issuableFrom('ended'), 0, 'waiting mends no ended session')
  t.equal(set.issuableFrom('roles'), (second + 1) * 1000)
  t.equal(set.refuses({ sid: 'roles', iat: set.issuableFrom('roles') / 1000 }), undefined)
  t.equal(set.refuses({ sid: 'roles', iat: set.issuableFrom('roles') / 1000 - 1 }), 'token_expired')

  await set.announce([revocation(null, { at: at + 2000 })])
  t.equal(set.issuableFrom('other'), (second + 3) * 1000)
  t.equal(set.issuableFrom('roles'), (second + 3) * 1000, 'the later of the two')
  t.equal(set.refuses({ sid: 'other', iat: set.issuableFrom('other') / 1000 }), undefined)
})

t.test('entries leave when no token can need them any more, and none before', async (t) => {
  let now = at
  const set = await setOf([], { now: () => now })
  await set.announce([revocation('first'), revocation('longer', { expiresAt: at + 700_000 }), revocation(null)])
  now = at + 659_999
  await set.announce([])
  t.equal(set.size, 3)
  now = at + 660_000
  await set.announce([])
  t.equal(set.size, 2, 'what stands behind a longer one waits for it')
  t.equal(set.refuses({ sid: 'longer', iat: second + 1 }), 'session_revoked')
  now = at + 700_000
  await set.announce([])
  t.equal(set.size, 0)
})

t.test('a second entry of a session never shortens the first', async (t) => {
  let now = at
  const set = await setOf([], { now: () => now })
  await set.announce([revocation('s'), revocation('s', { at: at + 1, expiresAt: at + 1000 })])
  now = at + 659_999
  await set.announce([])
  t.equal(set.refuses({ sid: 's', iat: second }), 'session_revoked')
})

t.test('under steady load no more is held than one life of entries, and no sweep is long', async (t) => {
  let now = at
  const set = await setOf([], { now: () => now })
  let largest = 0
  for (let i = 0; i < 20_000; i++) {
    now += 100
    await set.announce([revocation(`s${i}`, { at: now, expiresAt: now + 60_000 })])
    largest = Math.max(largest, set.size)
  }
  t.equal(largest, 600)

  const many = Array.from({ length: 10_000 }, (_, i) => revocation(`m${i}`, { at: now, expiresAt: now + 1000 }))
  await set.announce(many)
  now += 100_000
  const before = set.size
  await set.announce([])
  t.equal(before - set.size, 100)
})
