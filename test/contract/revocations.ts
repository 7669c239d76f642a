import type { Test } from 'tap'
import type { IssuedToken, Refusal, Revocation } from '../../src/core/revocation-set.js'

/** A part that learns of revocations and judges tokens by them. */
export interface RevocationReader {
  /** Delivers entries. Resolves when they count, and after expired entries were swept. */
  take(entries: readonly Revocation[]): Promise<void>
  refuses(token: IssuedToken): Refusal | undefined
  size(): number
}

export const revokedAt = 1_800_000_000_500
const second = Math.floor(revokedAt / 1000)
let lastId = 0n

/** An entry written at `revokedAt` that expires after 660 s. */
export function revocation(sid: string | null, rest: Partial<Revocation> = {}): Revocation {
  lastId += 1n
  return { id: lastId, sid, reason: 'logged_out', at: revokedAt, expiresAt: revokedAt + 660_000, ...rest }
}

/** The promises that the service and the verifier share. `open` makes a reader without entries. */
export function revocationContract(t: Test, open: (t: Test, now: () => number) => Promise<RevocationReader>): void {
  const readerOf = async (t: Test, entries: readonly Revocation[]) => {
    const reader = await open(t, () => revokedAt)
    await reader.take(entries)
    return reader
  }

  t.test('a revoked session is refused whenever its token was issued, another session is not', async (t) => {
    const reader = await readerOf(t, [revocation('first')])
    await reader.take([revocation('second')])
    t.equal(reader.refuses({ sid: 'first', iat: second }), 'session_revoked')
    t.equal(reader.refuses({ sid: 'second', iat: second + 500 }), 'session_revoked')
    t.equal(reader.refuses({ sid: 'other', iat: second }), undefined)
  })

  t.test('changed roles refuse older tokens as expired and leave newer ones alone', async (t) => {
    const reader = await readerOf(t, [revocation('s', { reason: 'roles_changed' })])
    t.equal(reader.refuses({ sid: 's', iat: second }), 'token_expired')
    t.equal(reader.refuses({ sid: 's', iat: second + 1 }), undefined)
    t.equal(reader.refuses({ sid: 'other', iat: second }), undefined)
  })

  t.test('of two changes of roles the later one counts, in either order of arrival', async (t) => {
    const changes = () => [
      revocation('s', { reason: 'roles_changed' }),
      revocation('s', { reason: 'roles_changed', at: revokedAt + 5000, expiresAt: revokedAt + 665_000 })
    ]
    for (const order of [changes(), changes().reverse()]) {
      const reader = await readerOf(t, order)
      t.equal(reader.refuses({ sid: 's', iat: second + 5 }), 'token_expired')
      t.equal(reader.refuses({ sid: 's', iat: second + 6 }), undefined)
      t.equal(reader.size(), 1)
    }
  })

  t.test('an end outweighs changed roles, in either order of arrival', async (t) => {
    const ended = () => revocation('s')
    const roles = (at: number) => revocation('s', { reason: 'roles_changed', at })
    for (const order of [
      [ended(), roles(revokedAt)],
      [roles(revokedAt), ended()],
      [ended(), roles(revokedAt + 9000)],
      [roles(revokedAt + 9000), ended()],
      [roles(revokedAt - 9000), ended()]
    ]) {
      const reader = await readerOf(t, order)
      t.equal(reader.refuses({ sid: 's', iat: second + 60 }), 'session_revoked')
    }
  })

  t.test('the end of all sessions refuses every token issued up to then, also after a change of roles', async (t) => {
    const reader = await readerOf(t, [revocation('s', { reason: 'roles_changed' })])
    await reader.take([revocation(null, { reason: 'revoked_by_admin' })])
    t.equal(reader.refuses({ sid: 's', iat: second }), 'session_revoked')
    t.equal(reader.refuses({ sid: 'any', iat: second }), 'session_revoked')
    t.equal(reader.refuses({ sid: 'any', iat: second + 1 }), undefined)
    t.equal(reader.size(), 2)
  })

  t.test('an entry leaves once it has expired, and not a millisecond before', async (t) => {
    let now = revokedAt
    const reader = await open(t, () => now)
    await reader.take([revocation('first'), revocation('longer', { expiresAt: revokedAt + 700_000 }), revocation(null)])
    now = revokedAt + 659_999
    await reader.take([])
    t.equal(reader.size(), 3)
    now = revokedAt + 660_000
    await reader.take([])
    t.equal(reader.size(), 2, 'an entry behind a longer one waits for it')
    t.equal(reader.refuses({ sid: 'longer', iat: second + 1 }), 'session_revoked')
    now = revokedAt + 700_000
    await reader.take([])
    t.equal(reader.size(), 0)
  })

  t.test('a second entry of a session never shortens the first', async (t) => {
    let now = revokedAt
    const reader = await open(t, () => now)
    await reader.take([revocation('s'), revocation('s', { at: revokedAt + 1, expiresAt: revokedAt + 1000 })])
    now = revokedAt + 659_999
    await reader.take([])
    t.equal(reader.refuses({ sid: 's', iat: second }), 'session_revoked')
  })

  t.test('an entry whose session is revoked again does not hold back the entries that came after it', async (t) => {
    let now = revokedAt
    const reader = await open(t, () => now)
    await reader.take([revocation('s'), revocation('other'), revocation('s', { expiresAt: revokedAt + 900_000 })])
    now = revokedAt + 660_000
    await reader.take([])
    t.equal(reader.size(), 1)
  })

  t.test('under steady load one life of entries is held', async (t) => {
    let now = revokedAt
    const reader = await open(t, () => now)
    let largest = 0
    for (let i = 0; i < 200; i++) {
      now += 1000
      await reader.take([revocation(`s${i}`, { at: now, expiresAt: now + 60_000 })])
      largest = Math.max(largest, reader.size())
    }
    t.equal(largest, 60)
  })
}
