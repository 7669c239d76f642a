import t, { type Test } from 'tap'
import type { Revocation } from '../../../src/core/revocation-set.js'
import { revocationStream, SlowReader } from '../../../src/http/routes/services/revocation-stream.js'

function revocation(id: bigint): Revocation {
  return { id, sid: `s${id}`, reason: 'logged_out', at: 0, expiresAt: 1000 }
}

/** A stream over a feed that the test controls. */
function play(t: Test, options: { readonly capacity?: number; readonly lastEventId?: string | undefined } = {}) {
  const closing = new AbortController()
  const world = {
    stale: false,
    followers: 0,
    tell: (_entries: readonly Revocation[]) => {},
    kids: ['one'],
    tellKeys: () => {},
    asked: [] as unknown[],
    reset: new AbortController()
  }
  const stream = revocationStream({
    feed: {
      epoch: () => ({ name: 'e1', over: world.reset.signal }),
      read: async (id) => {
        world.asked.push(id)
        return [revocation(1n)]
      },
      follow(follower) {
        world.followers += 1
        world.tell = follower
        return () => {
          world.followers -= 1
        }
      },
      state: () => ({ connected: true, stale: world.stale, lagSeconds: 0, size: 0, resets: 0, restored: 0 })
    },
    keys: {
      jwks: () => ({ keys: world.kids.map((kid) => ({ kid, kty: 'EC', alg: 'ES256', use: 'sig' as const })) }),
      followKeys(follower) {
        world.followers += 1
        world.tellKeys = follower
        return () => {
          world.followers -= 1
        }
      }
    },
    lastEventId: 'e1.7',
    closing: closing.signal,
    heartbeatMilliseconds: 5,
    ...options
  })
  t.teardown(() => closing.abort())
  const next = async () => (await stream.next()).value ?? 'end'
  return { world, stream, next, close: () => closing.abort() }
}

t.test(
  'changed keys are sent at once, unchanged keys are not, and retired keys are sent with the heartbeat',
  async (t) => {
    const { world, next } = play(t)
    for (let i = 0; i < 3; i += 1) await next()
    const heard = next()
    world.tellKeys()
    t.match(await heard, /^:/)
    const told = next()
    world.kids = ['one', 'two']
    world.tellKeys()
    t.match(await told, /^event: keys\ndata: {"kids":\["one","two"\]}/)
    world.kids = ['two']
    t.match([await next(), await next()].join(''), /event: keys\ndata: {"kids":\["two"\]}/)
  }
)

t.test('the stream sends missed entries, ready, new entries, and a comment after each silent heartbeat', async (t) => {
  const { world, next } = play(t)
  t.match(await next(), /^id: e1\.1\nevent: revocation\n/)
  t.strictSame(world.asked, [7n])
  t.equal(await next(), 'event: keys\ndata: {"kids":["one"]}\n\n')
  t.match(await next(), /^event: ready\n/)
  world.tell([revocation(2n), revocation(3n)])
  t.match(await next(), /^id: e1\.2\n/)
  t.match(await next(), /^id: e1\.3\n/)
  t.match(await next(), /^:/)
})

t.test('an entry that comes during the read is sent after it', async (t) => {
  const { world, next } = play(t)
  await next()
  world.tell([revocation(2n)])
  await next()
  t.match(await next(), /^event: ready/)
  t.match(await next(), /^id: e1\.2\n/)
})

t.test("no comment is sent while this instance's feed is stale", async (t) => {
  const { world, next } = play(t)
  for (let i = 0; i < 3; i += 1) await next()
  world.stale = true
  const heard = next()
  const silence = new Promise((resolve) => setTimeout(resolve, 50, 'silence'))
  t.equal(await Promise.race([heard, silence]), 'silence')
  world.stale = false
  t.match(await heard, /^:/)
})

t.test('a reader that reads nothing is cut off before it costs memory', async (t) => {
  const { world, stream, next } = play(t, { capacity: 10 })
  await next()
  for (let id = 2n; id < 1000n; id++) world.tell([revocation(id)])
  await next()
  await next()
  await t.rejects(stream.next(), SlowReader)
  t.equal(world.followers, 0)
})

t.test('a closed stream ends and follows nothing any more', async (t) => {
  const { world, next, close } = play(t)
  for (let i = 0; i < 3; i += 1) await next()
  close()
  t.equal(await next(), 'end')
  t.equal(world.followers, 0)
})

t.test('an id of another epoch, or of a version without epochs, gets all entries', async (t) => {
  for (const lastEventId of ['e2.7', '7', 'e1', undefined]) {
    const { world, next } = play(t, { lastEventId })
    t.match(await next(), /^id: e1\.1\n/)
    t.strictSame(world.asked, [undefined], `${lastEventId}`)
  }
})

t.test('a reset of the log ends the stream, also before the past entries are sent', async (t) => {
  const { world, next } = play(t)
  for (let i = 0; i < 3; i += 1) await next()
  const heard = next()
  world.reset.abort()
  t.equal(await heard, 'end')
  t.equal(world.followers, 0)

  const early = play(t)
  const first = early.next()
  early.world.reset.abort()
  t.equal(await first, 'end')
  t.equal(early.world.followers, 0)
})
