// One file of more than 250 lines, because all tests drive the feed by the same scripted log and notices.
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { NoticeHandlers } from '../../../src/adapters/notices/notices.js'
import { openRevocationFeed, type RevocationFeedOptions } from '../../../src/adapters/revocations/revocation-feed.js'
import { systemEntropy } from '../../../src/adapters/secrets/system.js'
import type { Revocation } from '../../../src/core/revocation-set.js'
import { Unavailable } from '../../../src/ports/errors.js'
import { revocationContract, revokedAt, revocation as written } from '../../contract/revocations.js'

const start = 1_800_000_000_000
const never = 3_600_000

function revocation(id: bigint, sid: string | null = `s${id}`): Revocation {
  return { id, sid, reason: 'logged_out', at: start, expiresAt: start + never }
}

/** A feed over a log and a source of notices that the test controls. */
async function play(
  t: Test,
  {
    lossy = false,
    pollMilliseconds = never,
    ...options
  }: Partial<RevocationFeedOptions> & {
    readonly lossy?: boolean
    readonly pollMilliseconds?: number
  } = {}
) {
  const world = {
    now: start,
    rows: [] as Revocation[],
    readable: true,
    reachable: true,
    reads: 0,
    published: 0,
    notices: undefined as NoticeHandlers | undefined,
    writable: true,
    restored: [] as Revocation[],
    endedUntil: [] as number[],
    async read(isAsked: (row: Revocation) => boolean) {
      world.reads += 1
      await delay(1)
      if (!world.readable) throw new Unavailable('away')
      return world.rows.filter(isAsked)
    }
  }
  const open = await openRevocationFeed({
    log: {
      async *live() {
        yield await world.read(() => true)
      },
      after: (above, ids) => world.read(({ id }) => id > above || ids.includes(id)),
      async restore(lost) {
        await delay(1)
        if (!world.writable) throw new Unavailable('read-only')
        const again = lost.map((entry, i) => ({ ...entry, id: BigInt(1000 + i) }))
        world.rows.push(...again)
        world.restored.push(...lost)
        return again
      },
      async endSessionsUntil({ at }) {
        if (!world.writable) throw new Unavailable('read-only')
        world.endedUntil.push(at)
      }
    },
    clock: { now: () => world.now },
    entropy: systemEntropy,
    whenStale: 'allow',
    notices: {
      lossy,
      async connect(handlers) {
        if (!world.reachable) throw new Error('away')
        world.notices = handlers
        return { ping: async () => {}, close: async () => {} }
      },
      publish: async () => {
        world.published += 1
      }
    },
    timing: {
      heartbeatMilliseconds: 5,
      answerMilliseconds: 1000,
      firstPauseMilliseconds: 1,
      maxPauseMilliseconds: 1,
      pollMilliseconds
    },
    ...options
  })
  t.teardown(open.close)
  const refuses = (sid: string) => open.revocations.refuses({ sid, iat: 0 }) === 'session_revoked'
  const until = async (isTrue: () => boolean, what: string) => {
    for (let round = 0; round < 2000 && !isTrue(); round++) await delay(1)
    t.ok(isTrue(), what)
  }
  const connected = () => until(() => open.feed.state().connected, 'connected')
  return { ...open, world, refuses, until, connected }
}

t.test('on a notice the feed reads what other instances have written', async (t) => {
  const { world, refuses, until, connected } = await play(t)
  await connected()
  world.rows.push(revocation(1n))
  world.notices?.onNotice()
  await until(() => refuses('s1'), 'refused')
})

t.test('an entry written before the subscription is up is read when it is up', async (t) => {
  const { world, refuses, until } = await play(t)
  world.rows.push(revocation(1n))
  await until(() => refuses('s1'), 'refused')
})

t.test('an entry written while the subscription is down is read when it is up again', async (t) => {
  const { world, refuses, until, connected, feed } = await play(t)
  await connected()
  world.reachable = false
  world.notices?.onLost()
  await until(() => !feed.state().connected, 'down')
  world.rows.push(revocation(1n))
  t.notOk(refuses('s1'))
  world.reachable = true
  await until(() => refuses('s1'), 'refused')
})

t.test('while the subscription is down the log is polled', async (t) => {
  const { world, refuses, until, connected, feed } = await play(t, { pollMilliseconds: 2 })
  await connected()
  world.reachable = false
  world.notices?.onLost()
  await until(() => !feed.state().connected, 'down')
  world.rows.push(revocation(1n))
  await until(() => refuses('s1'), 'refused')
})

t.test('a failed read is retried', async (t) => {
  const { world, refuses, until, connected } = await play(t, { pollMilliseconds: 2 })
  await connected()
  world.readable = false
  world.rows.push(revocation(1n))
  world.notices?.onNotice()
  const { reads } = world
  await until(() => world.reads > reads, 'the feed tries to read')
  world.readable = true
  await until(() => refuses('s1'), 'refused')
})

for (const lossy of [true, false]) {
  t.test(`the log is read at intervals while the subscription is up (lossy: ${lossy})`, async (t) => {
    const { world, refuses, until, connected } = await play(t, { lossy, pollMilliseconds: 2 })
    await connected()
    world.rows.push(revocation(1n))
    await until(() => refuses('s1'), 'refused')
  })
}

t.test('a burst of notices causes one read, and one more after it', async (t) => {
  const { world, until, connected } = await play(t)
  await connected()
  await delay(5)
  const { reads } = world
  for (let i = 0; i < 1000; i++) world.notices?.onNotice()
  await until(() => world.reads > reads, 'the feed reads')
  await delay(10)
  t.equal(world.reads, reads + 2)
})

t.test('an entry that commits after later ids is still found', async (t) => {
  const { world, refuses, until, connected } = await play(t)
  await connected()
  world.rows.push(revocation(1n), revocation(3n))
  world.notices?.onNotice()
  await until(() => refuses('s3'), 'the entry with the later id')
  world.rows.push(revocation(2n))
  world.notices?.onNotice()
  await until(() => refuses('s2'), 'the entry with the earlier id')
})

t.test('an announcement of nothing notifies no other instance', async (t) => {
  const { world, revocations } = await play(t)
  await revocations.announce([])
  t.equal(world.published, 0)
})

t.test('followers get each entry once, also entries of their own process', async (t) => {
  const { world, revocations, feed, until, refuses, connected } = await play(t)
  await connected()
  const received: bigint[] = []
  const unfollow = feed.follow((entries) => received.push(...entries.map(({ id }) => id)))
  const own = revocation(1n)
  world.rows.push(own, revocation(2n))
  await revocations.announce([own])
  t.strictSame(received, [1n], 'followers are called before `announce` resolves')
  t.equal(world.published, 1)
  world.notices?.onNotice()
  await until(() => refuses('s2'), 'refused')
  t.strictSame(received, [1n, 2n])
  unfollow()
  await revocations.announce([revocation(3n)])
  t.equal(received.length, 2)
})

t.test('after a failover new entries count under ids that were seen, and older entries stay in force', async (t) => {
  const { world, refuses, until, connected, feed } = await play(t)
  await connected()
  world.rows.push(revocation(1n), revocation(2n, 'lost'))
  world.notices?.onNotice()
  await until(() => refuses('lost'), 'known')
  const { name, over } = feed.epoch()
  world.rows = [revocation(1n), revocation(2n, 'new')]
  world.notices?.onNotice()
  await until(() => refuses('new'), 'the new entry is refused')
  t.ok(refuses('s1') && refuses('lost'))
  t.ok(over.aborted, 'the epoch is over')
  t.not(feed.epoch().name, name)
  t.notOk(feed.epoch().over.aborted)
  t.equal(feed.state().resets, 1)
})

t.test(
  'what a failover has lost is written again, once, and told to followers and to the other instances',
  async (t) => {
    const seen = { lost: [] as number[], restored: [] as number[] }
    const { world, refuses, until, connected, feed } = await play(t, {
      onReset: (lost) => seen.lost.push(lost),
      onRestored: (restored) => seen.restored.push(restored)
    })
    await connected()
    world.rows.push(revocation(1n), revocation(2n), revocation(3n, null))
    world.notices?.onNotice()
    await until(() => refuses('any'), 'known')
    const told: bigint[] = []
    feed.follow((entries) => told.push(...entries.map(({ id }) => id)))
    world.rows = [revocation(1n)]
    world.notices?.onNotice()
    await until(() => world.endedUntil.length > 0, 'the sessions of everybody end again')
    t.strictSame(
      world.restored.map(({ sid }) => sid),
      ['s2', null]
    )
    t.strictSame(told, [1000n, 1001n])
    t.strictSame(world.endedUntil, [start])
    t.equal(world.published, 1)
    t.strictSame(seen, { lost: [2], restored: [2] })
    t.match(feed.state(), { resets: 1, restored: 2 })
    world.notices?.onNotice()
    await delay(10)
    t.match(feed.state(), { resets: 1, restored: 2 })
  }
)

t.test('a repair that fails is tried again', async (t) => {
  const { world, until, connected } = await play(t, { pollMilliseconds: 2 })
  await connected()
  world.rows.push(revocation(1n), revocation(2n, null))
  world.notices?.onNotice()
  await until(() => world.reads > 2, 'known')
  world.writable = false
  world.rows = []
  world.notices?.onNotice()
  await delay(20)
  t.strictSame(world.restored, [])
  world.writable = true
  await until(() => world.endedUntil.length > 0, 'repaired')
  t.equal(world.restored.length, 2)
})

t.test('after each reconnection and each failed read all live entries are compared', async (t) => {
  for (const cause of ['reconnection', 'failed read'] as const) {
    const { world, until, connected, feed } = await play(t, { pollMilliseconds: 2 })
    await connected()
    world.rows.push(revocation(1n), revocation(2n))
    world.notices?.onNotice()
    await until(() => feed.state().size === 2, 'known')
    world.rows = [revocation(2n)]
    world.notices?.onNotice()
    await delay(5)
    t.equal(feed.state().resets, 0, 'the newest entry is there')
    if (cause === 'reconnection') world.notices?.onLost()
    else {
      world.readable = false
      world.notices?.onNotice()
      await delay(5)
      world.readable = true
    }
    await until(() => feed.state().resets === 1, cause)
  }
})

t.test('a reader of the feed gets what the log has now, and no partial answer', async (t) => {
  const { world, feed, connected } = await play(t)
  await connected()
  world.rows.push(revocation(1n), revocation(2n))
  t.strictSame(
    (await feed.read(undefined)).map(({ id }) => id),
    [1n, 2n],
    'without a notice'
  )
  t.strictSame(
    (await feed.read(1n)).map(({ id }) => id),
    [2n]
  )
  world.readable = false
  await t.rejects(feed.read(1n), Unavailable)
})

t.test('a session has ended if an entry names it, but not if its roles have changed', async (t) => {
  const { revocations, hasEnded } = await play(t, { notices: undefined })
  await revocations.announce([
    written('ended'),
    written('roles', { reason: 'roles_changed' }),
    written(null, { reason: 'revoked_by_admin' })
  ])
  t.strictSame(['ended', 'roles', 'other'].map(hasEnded), [true, false, false])
})

t.test(
  'after ten seconds without connection the feed is stale, and with `deny` it throws for unknown sessions',
  async (t) => {
    for (const whenStale of ['allow', 'deny'] as const) {
      const { world, revocations, feed, until, connected } = await play(t, { whenStale, pollMilliseconds: 2 })
      await connected()
      await revocations.announce([revocation(1n)])
      world.readable = false
      world.reachable = false
      world.notices?.onLost()
      await until(() => !feed.state().connected, 'down')
      world.now += 10_000
      t.equal(revocations.refuses({ sid: 'other', iat: 0 }), undefined, 'the feed is not stale yet')
      world.now += 1
      t.match(feed.state(), { connected: false, stale: true, lagSeconds: 10.001, size: 1 })
      t.equal(revocations.refuses({ sid: 's1', iat: 0 }), 'session_revoked', 'known entries still count')
      if (whenStale === 'deny') t.throws(() => revocations.refuses({ sid: 'other', iat: 0 }), Unavailable)
      else t.equal(revocations.refuses({ sid: 'other', iat: 0 }), undefined)

      world.readable = true
      await until(() => !feed.state().stale, 'polling alone makes the feed fresh again')
      t.equal(revocations.refuses({ sid: 'other', iat: 0 }), undefined)
    }
  }
)

t.test('a heartbeat keeps the feed fresh, but not while a read fails', async (t) => {
  const { world, feed, until, connected } = await play(t)
  await connected()
  world.now += 60_000
  await until(() => !feed.state().stale, 'the heartbeat makes the feed fresh')
  world.readable = false
  world.notices?.onNotice()
  await delay(5)
  world.now += 60_000
  await delay(20)
  t.ok(feed.state().stale)
})

t.test('a process that alone uses the database is never stale', async (t) => {
  const { world, revocations, feed } = await play(t, { notices: undefined, whenStale: 'deny' })
  world.now += never
  t.equal(revocations.refuses({ sid: 's1', iat: 0 }), undefined)
  t.match(feed.state(), { connected: true, stale: false, lagSeconds: 0 })
})

revocationContract(t, async (t, now) => {
  const { revocations, feed } = await play(t, { notices: undefined, clock: { now } })
  return { take: revocations.announce, refuses: revocations.refuses, size: () => feed.state().size }
})

t.test('a new token of a session is issued only from the second after its entry', async (t) => {
  const { revocations } = await play(t, { notices: undefined })
  await revocations.announce([written('roles', { reason: 'roles_changed' }), written('ended')])
  t.equal(revocations.issuableFrom('roles'), revokedAt + 500)
  t.equal(revocations.issuableFrom('ended'), 0)
  t.equal(revocations.issuableFrom('other'), 0)
  await revocations.announce([written(null, { at: revokedAt + 2000 })])
  t.equal(revocations.issuableFrom('roles'), revokedAt + 2500)
  t.equal(revocations.issuableFrom('other'), revokedAt + 2500)
})

t.test('no announcement pays for more than a hundred expired entries', async (t) => {
  let now = revokedAt
  const { revocations, feed } = await play(t, { notices: undefined, clock: { now: () => now } })
  const many = Array.from({ length: 10_000 }, (_, i) => written(`m${i}`, { at: now, expiresAt: now + 1000 }))
  await revocations.announce(many)
  now += 100_000
  const before = feed.state().size
  await revocations.announce([])
  t.equal(before - feed.state().size, 100)
})

t.test('a load that fails fails the start', async (t) => {
  const log = {
    // biome-ignore lint/correctness/useYield: it fails before the first page
    async *live() {
      throw new Error('no database')
    },
    after: async () => [],
    restore: async () => [],
    endSessionsUntil: async () => {}
  }
  await t.rejects(play(t, { log }), { message: 'no database' })
})
