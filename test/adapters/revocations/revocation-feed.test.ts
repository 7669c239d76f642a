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

/** A feed over a log and a source of notices that the test plays. */
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
    async read(id: bigint) {
      world.reads += 1
      await delay(1)
      if (!world.readable) throw new Unavailable('away')
      return world.rows.filter((row) => row.id > id)
    }
  }
  const open = await openRevocationFeed({
    log: { live: () => world.read(0n), after: (id) => world.read(id), since: (id) => world.read(id - 1n) },
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
  const until = async (isSo: () => boolean, what: string) => {
    for (let round = 0; round < 2000 && !isSo(); round++) await delay(1)
    t.ok(isSo(), what)
  }
  const connected = () => until(() => open.feed.state().connected, 'connected')
  return { ...open, world, refuses, until, connected }
}

t.test('a notice makes it read what others have written', async (t) => {
  const { world, refuses, until, connected } = await play(t)
  await connected()
  world.rows.push(revocation(1n))
  world.notices?.onNotice()
  await until(() => refuses('s1'), 'refused')
})

t.test('what is written between the load and the subscription is read when it stands', async (t) => {
  const { world, refuses, until } = await play(t)
  world.rows.push(revocation(1n))
  await until(() => refuses('s1'), 'refused')
})

t.test('what is written while the subscription is down is read when it is back', async (t) => {
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

t.test('while the subscription is down the log is read regularly', async (t) => {
  const { world, refuses, until, connected, feed } = await play(t, { pollMilliseconds: 2 })
  await connected()
  world.reachable = false
  world.notices?.onLost()
  await until(() => !feed.state().connected, 'down')
  world.rows.push(revocation(1n))
  await until(() => refuses('s1'), 'refused')
})

t.test('a read that fails is made again', async (t) => {
  const { world, refuses, until, connected } = await play(t, { pollMilliseconds: 2 })
  await connected()
  world.readable = false
  world.rows.push(revocation(1n))
  world.notices?.onNotice()
  const { reads } = world
  await until(() => world.reads > reads, 'it asked')
  world.readable = true
  await until(() => refuses('s1'), 'refused')
})

t.test('where notices can get lost, the log is read regularly while the subscription is up', async (t) => {
  const { world, refuses, until, connected } = await play(t, { lossy: true, pollMilliseconds: 2 })
  await connected()
  world.rows.push(revocation(1n))
  await until(() => refuses('s1'), 'refused')
})

t.test('a storm of notices is one read, and one more for what came during it', async (t) => {
  const { world, until, connected } = await play(t)
  await connected()
  await delay(5)
  const { reads } = world
  for (let i = 0; i < 1000; i++) world.notices?.onNotice()
  await until(() => world.reads > reads, 'it read')
  await delay(10)
  t.equal(world.reads, reads + 2)
})

t.test('one that was committed late is found below those that were seen', async (t) => {
  const { world, refuses, until, connected } = await play(t)
  await connected()
  world.rows.push(revocation(1n), revocation(3n))
  world.notices?.onNotice()
  await until(() => refuses('s3'), 'the later')
  world.rows.push(revocation(2n))
  world.notices?.onNotice()
  await until(() => refuses('s2'), 'the one that was overtaken')
})

t.test("followers are told each entry once, their own process's included", async (t) => {
  const { world, revocations, feed, until, refuses, connected } = await play(t)
  await connected()
  const told: bigint[] = []
  const unfollow = feed.follow((entries) => told.push(...entries.map(({ id }) => id)))
  const own = revocation(1n)
  world.rows.push(own, revocation(2n))
  await revocations.announce([own])
  t.strictSame(told, [1n], 'before `announce` resolves')
  t.equal(world.published, 1)
  world.notices?.onNotice()
  await until(() => refuses('s2'), 'refused')
  t.strictSame(told, [1n, 2n])
  unfollow()
  await revocations.announce([revocation(3n)])
  t.equal(told.length, 2)
})

t.test('cut off for ten seconds it is stale, and `deny` answers nothing it cannot know', async (t) => {
  for (const whenStale of ['allow', 'deny'] as const) {
    const { world, revocations, feed, until, connected } = await play(t, { whenStale, pollMilliseconds: 2 })
    await connected()
    await revocations.announce([revocation(1n)])
    world.readable = false
    world.reachable = false
    world.notices?.onLost()
    await until(() => !feed.state().connected, 'down')
    world.now += 10_000
    t.equal(revocations.refuses({ sid: 'other', iat: 0 }), undefined, 'not yet')
    world.now += 1
    t.match(feed.state(), { connected: false, stale: true, lagSeconds: 10.001, size: 1 })
    t.equal(revocations.refuses({ sid: 's1', iat: 0 }), 'session_revoked', 'what is known stays known')
    if (whenStale === 'deny') t.throws(() => revocations.refuses({ sid: 'other', iat: 0 }), Unavailable)
    else t.equal(revocations.refuses({ sid: 'other', iat: 0 }), undefined)

    world.readable = true
    await until(() => !feed.state().stale, 'polling alone mends it')
    t.equal(revocations.refuses({ sid: 'other', iat: 0 }), undefined)
  }
})

t.test('a heartbeat keeps it fresh, but not while a read is owed', async (t) => {
  const { world, feed, until, connected } = await play(t)
  await connected()
  world.now += 60_000
  await until(() => !feed.state().stale, 'by the heartbeat')
  world.readable = false
  world.notices?.onNotice()
  await delay(5)
  world.now += 60_000
  await delay(20)
  t.ok(feed.state().stale)
})

t.test('a process that has the database to itself is never cut off', async (t) => {
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
  const log = { live: () => Promise.reject(new Error('no database')), after: async () => [], since: async () => [] }
  await t.rejects(play(t, { log }), { message: 'no database' })
})
