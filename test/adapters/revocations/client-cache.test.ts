import t from 'tap'
import { clientCache } from '../../../src/adapters/revocations/client-cache.js'

function setUp() {
  const world = {
    now: 1_800_000_000_000,
    stale: false,
    ended: new Set<string>(),
    known: new Set(['client_a hash']),
    reads: 0
  }
  const cache = clientCache({
    clients: {
      async authenticate(clientId, secretHash) {
        world.reads += 1
        if (!world.known.has(`${clientId} ${secretHash}`)) return undefined
        return { clientId, secretId: 'secret', scopes: ['x'], now: world.now }
      }
    },
    feed: {
      state: () => ({ connected: true, stale: world.stale, lagSeconds: 0, size: 0, resets: 0, restored: 0 })
    },
    hasEnded: (sid) => world.ended.has(sid),
    clock: { now: () => world.now }
  })
  return { world, ask: () => cache.authenticate('client_a', 'hash'), cache }
}

t.test('a client that has proved its secret is read again only after 30 s', async (t) => {
  const { world, ask } = setUp()
  t.match(await ask(), { secretId: 'secret' })
  world.now += 29_999
  t.match(await ask(), { secretId: 'secret' })
  t.equal(world.reads, 1)
  world.now += 1
  await ask()
  t.equal(world.reads, 2)
})

t.test('a deleted secret is refused at once, although its client was remembered', async (t) => {
  const { world, ask } = setUp()
  await ask()
  world.ended.add('secret')
  t.equal(await ask(), undefined)
})

t.test('while the feed is stale, every request asks the store', async (t) => {
  const { world, ask } = setUp()
  await ask()
  world.stale = true
  await ask()
  world.known.clear()
  t.equal(await ask(), undefined)
  t.equal(world.reads, 3)
})

t.test('a wrong secret is not remembered, and no other pair gets the client of a right one', async (t) => {
  const { world, ask, cache } = setUp()
  await ask()
  t.equal(await cache.authenticate('client_b', 'hash'), undefined)
  t.equal(await cache.authenticate('client_a', 'other'), undefined)
  world.known.add('client_b hash')
  t.match(await cache.authenticate('client_b', 'hash'), { clientId: 'client_b' })
})
