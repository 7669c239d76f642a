import t from 'tap'
import { sessionCache } from '../../../src/adapters/revocations/session-cache.js'
import type { Revocation } from '../../../src/core/revocation-set.js'
import type { LiveSession } from '../../../src/ports/sessions.js'

const start = 1_800_000_000_000
const minute = 60_000

function live(id: string, rest: Partial<LiveSession> = {}): LiveSession {
  const user = {
    id: 'u',
    email: 'a@example.org',
    roles: [],
    disabled: false,
    createdAt: start,
    attributes: {},
    externalId: null
  }
  const ends = { idleExpiresAt: start + 60 * minute, absoluteExpiresAt: start + 600 * minute }
  const times = {
    createdAt: start,
    lastUsedAt: start,
    usedBeforeAt: null,
    authTime: start,
    rotatedAt: null,
    now: start,
    ...ends
  }
  const seen = { device: null, userAgent: null, ip: null, amr: ['pwd'], secretHash: 'h' }
  const rotation = { generation: 0, retryKeyHash: null, keyUsed: false, recoveredGeneration: null }
  return { id, userId: 'u', user, mode: 'session', ...times, ...seen, ...rotation, ...rest }
}

function setUp(capacity?: number) {
  const world = {
    now: start,
    stale: false,
    ended: new Set<string>(),
    rows: new Map([live('a'), live('b'), live('c')].map((session) => [session.id, session])),
    reads: [] as string[],
    /** A read waits for this. */
    gate: Promise.resolve(),
    push: (_revocations: readonly Revocation[]) => {},
    end(sid: string | null, reason: Revocation['reason'] = 'logged_out') {
      world.push([{ id: 1n, sid, reason, at: world.now, expiresAt: world.now + minute }])
    }
  }
  const cache = sessionCache({
    sessions: {
      async find(sid) {
        world.reads.push(sid)
        const row = world.rows.get(sid)
        await world.gate
        return row && { ...row, now: world.now }
      },
      touch: async (sid) => {
        const row = world.rows.get(sid)
        if (row !== undefined) world.rows.set(sid, { ...row, lastUsedAt: world.now })
      }
    },
    feed: {
      follow: (follower) => {
        world.push = follower
        return () => {}
      },
      state: () => ({ connected: true, stale: world.stale, lagSeconds: 0, size: 0, resets: 0, restored: 0 })
    },
    hasEnded: (sid) => world.ended.has(sid),
    clock: { now: () => world.now },
    ...(capacity !== undefined && { capacity })
  })
  return { cache, world }
}

t.test('a session is read once, and each result has the current time', async (t) => {
  const { cache, world } = setUp()
  await cache.find('a')
  world.now += 29_999
  t.match(await cache.find('a'), { id: 'a', now: world.now })
  t.strictSame(world.reads, ['a'])
})

t.test('a session that an entry has ended is not found, also if its row is back or it was cached', async (t) => {
  const { cache, world } = setUp()
  await cache.find('a')
  world.ended.add('a').add('b')
  t.equal(await cache.find('a'), undefined)
  t.equal(await cache.find('b'), undefined)
  t.match(await cache.find('c'), { id: 'c' })
})

t.test('after 30 s a session is read again', async (t) => {
  const { cache, world } = setUp()
  await cache.find('a')
  world.now += 30_000
  await cache.find('a')
  t.strictSame(world.reads, ['a', 'a'])
})

t.test('an entry of the feed drops its session at once, for any reason', async (t) => {
  for (const reason of ['logged_out', 'roles_changed'] as const) {
    const { cache, world } = setUp()
    await cache.find('a')
    await cache.find('b')
    world.rows.delete('a')
    world.end('a', reason)
    t.equal(await cache.find('a'), undefined)
    t.ok(await cache.find('b'))
    t.strictSame(world.reads, ['a', 'b', 'a'])
  }
})

t.test('an entry that ends all sessions drops all sessions', async (t) => {
  const { cache, world } = setUp()
  await cache.find('a')
  await cache.find('b')
  world.rows.clear()
  world.end(null)
  t.equal(await cache.find('a'), undefined)
  t.equal(await cache.find('b'), undefined)
})

t.test('a result that was read before an entry of the feed is not kept after it', async (t) => {
  for (const sid of ['a', null]) {
    const { cache, world } = setUp()
    let open = () => {}
    world.gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const early = cache.find('a')
    world.rows.delete('a')
    world.end(sid)
    const late = cache.find('a')
    open()
    t.ok(await early, 'requested before the end')
    t.equal(await late, undefined, 'requested after the end')
    t.equal(await cache.find('a'), undefined)
  }
})

t.test('requests at the same moment share one read', async (t) => {
  const { cache, world } = setUp()
  await Promise.all([cache.find('a'), cache.find('a'), cache.find('a')])
  t.strictSame(world.reads, ['a'])
})

t.test('a session past its end is read again, because another instance may have extended it', async (t) => {
  const { cache, world } = setUp()
  world.rows.set('a', live('a', { idleExpiresAt: start + 1000 }))
  await cache.find('a')
  world.rows.set('a', live('a', { idleExpiresAt: start + minute }))
  world.now += 1000
  t.match(await cache.find('a'), { idleExpiresAt: start + minute })
})

t.test('a touch reaches the store, and the next request sees it', async (t) => {
  const { cache, world } = setUp()
  await cache.find('a')
  world.now += 20_000
  await cache.touch('a')
  t.match(await cache.find('a'), { lastUsedAt: world.now })
})

t.test('while the feed is stale every request asks the store', async (t) => {
  const { cache, world } = setUp()
  await cache.find('a')
  world.stale = true
  await cache.find('a')
  await cache.find('a')
  t.strictSame(world.reads, ['a', 'a', 'a'])
})

t.test('above its capacity the least recently used session is dropped', async (t) => {
  const { cache, world } = setUp(2)
  for (const sid of ['a', 'b', 'a', 'c', 'a', 'b']) await cache.find(sid)
  t.strictSame(world.reads, ['a', 'b', 'c', 'b'])
})

t.test('unknown sessions and sessions of other modes are not kept', async (t) => {
  const { cache, world } = setUp()
  world.rows.set('a', live('a', { mode: 'body' }))
  for (const sid of ['a', 'a', 'nobody', 'nobody']) await cache.find(sid)
  t.strictSame(world.reads, ['a', 'a', 'nobody', 'nobody'])
})
