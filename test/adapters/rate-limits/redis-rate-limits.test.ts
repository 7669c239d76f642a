import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { memoryRateLimits } from '../../../src/adapters/rate-limits/memory-rate-limits.js'
import { redisRateLimits } from '../../../src/adapters/rate-limits/redis-rate-limits.js'
import { sha256 } from '../../../src/adapters/secrets/system.js'
import type { RateLimit } from '../../../src/core/rate-limits.js'
import type { LimitCounter } from '../../../src/ports/limits.js'
import { notedWatch } from '../../support/adapters/noted-watch.js'

const server = process.env.TEST_REDIS_URL
/** A Redis database of its own, so that a test can empty it. */
const url = server && new URL('/9', server).href

const limit = { name: 'guess', max: 3, windowSeconds: 60 }
const ofInstance = { ...limit, name: 'refresh', perInstance: true } as const
const use = { limit, key: 'a' }

/** The limits of one instance, what its watch was told, and a clock that the test moves. */
function instance(t: Test, at: string, name: string, timeoutMilliseconds = 20_000, capacity?: number) {
  const { watch, changes } = notedWatch()
  const clock = { milliseconds: 0 }
  const limits = redisRateLimits({
    url: at,
    name,
    inMemory: memoryRateLimits({ monotonic: () => clock.milliseconds, ...(capacity !== undefined && { capacity }) }),
    digest: sha256,
    watch,
    timeoutMilliseconds,
    monotonic: () => clock.milliseconds
  })
  t.teardown(limits.close)
  return { limits, changes, clock }
}

/** A TCP server on a free port, closed when the test ends. */
async function listen(t: Test, serve: (socket: Socket) => void): Promise<{ port: number; cut(): void }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined))
    serve(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  t.teardown(() => {
    cut()
    server.close()
  })
  const address = server.address()
  return { port: typeof address === 'object' && address !== null ? address.port : 0, cut }
}

/** Makes `times` uses at once; how many are granted. */
async function granted({ limits }: { limits: LimitCounter<RateLimit> }, times: number, of = use): Promise<number> {
  const results = await Promise.all(Array.from({ length: times }, () => limits.use(of)))
  return results.filter((result) => result.granted).length
}

const restMilliseconds = 1000

if (url === undefined) {
  t.pass('what needs Redis', { skip: 'TEST_REDIS_URL is not set' })
} else {
  t.test('instances of one name share their counts, also for uses at once; another name counts apart', async (t) => {
    const name = randomUUID()
    const [a, b, other] = [instance(t, url, name), instance(t, url, name), instance(t, url, randomUUID())]
    const both = await Promise.all([granted(a, 20), granted(b, 20)])
    t.equal(both[0] + both[1], 3)
    const refused = await b.limits.use(use)
    t.match(refused, { granted: false, uses: 3 })
    t.ok(refused.endsInSeconds > 50 && refused.endsInSeconds <= 60)
    t.equal(await granted(other, 4), 3)
    t.equal(await granted(a, 4, { limit, key: 'b' }), 3, 'another key counts apart')
  })

  t.test('a use undone on one instance can be made on another', async (t) => {
    const name = randomUUID()
    const [a, b] = [instance(t, url, name), instance(t, url, name)]
    t.equal(await granted(a, 3), 3)
    await a.limits.undo(use)
    t.equal(await granted(b, 3), 1)
    for (let i = 0; i < 9; i++) await a.limits.undo(use)
    t.equal(await granted(b, 9), 2, 'undoing never gives more than the instance had used')
  })

  t.test('a window ends in Redis, and its key is gone by then and never names the user', async (t) => {
    const short = { limit: { ...limit, windowSeconds: 1 }, key: 'ada@example.org' }
    const name = randomUUID()
    const a = instance(t, url, name)
    t.equal(await granted(a, 4, short), 3)
    const redis = new Redis(url)
    t.teardown(() => redis.disconnect())
    const keys = await redis.keys('latchkey:limit:*')
    t.ok(keys.length > 0)
    t.notMatch(keys.join(), '@', 'hex digits can spell ada')
    for (const key of keys) t.ok((await redis.pttl(key)) <= 60_000)
    const b = instance(t, url, name)
    t.match(await b.limits.use(short), { granted: false })
    await delay(1100)
    t.match(await b.limits.use(short), { granted: true, uses: 1 })
  })

  t.test('a counter without uses is gone from Redis', async (t) => {
    const a = instance(t, url, randomUUID())
    const redis = new Redis(url)
    t.teardown(() => redis.disconnect())
    const count = async () => (await redis.keys('latchkey:limit:*')).length
    const before = await count()
    t.equal(await granted(a, 2), 2)
    t.equal(await count(), before + 1)
    await a.limits.undo(use)
    await a.limits.undo(use)
    t.equal(await count(), before)
  })

  t.test('a flood of keys fills neither memory nor Redis, and brings no used-up window back', async (t) => {
    const redis = new Redis(url)
    t.teardown(() => redis.disconnect())
    await redis.flushdb()
    const name = randomUUID()
    const [a, b] = [instance(t, url, name, 20_000, 100), instance(t, url, name, 20_000, 100)]
    t.equal(await granted(a, 3), 3)
    for (let batch = 0; batch < 50; batch++) {
      const keys = Array.from({ length: 100 }, (_, i) => ({ limit, key: `flood ${batch} ${i}` }))
      await Promise.all(keys.map((key) => a.limits.use(key)))
    }
    t.equal(await redis.dbsize(), 100)
    t.equal(await granted(a, 1), 0)
    t.equal(await granted(b, 1), 0, 'nor at another instance')
    const crowded = { limit, key: 'flood 49 99' }
    t.equal(await granted(b, 3, crowded), 3)
    await a.limits.undo(crowded)
    t.equal(await granted(b, 1, crowded), 0, 'a use that was not counted in Redis is not given back there')
  })

  t.test('a per-instance limit is not counted in Redis', async (t) => {
    const name = randomUUID()
    const [a, b] = [instance(t, url, name), instance(t, url, name)]
    t.equal(await granted(a, 4, { limit: ofInstance, key: 'a' }), 3)
    t.equal(await granted(b, 4, { limit: ofInstance, key: 'a' }), 3)
  })

  t.test('while Redis is away an instance goes on from its own counts; then counts are shared again', async (t) => {
    const target = new URL(url)
    const link = { open: true }
    const relay = await listen(t, (socket) => {
      if (!link.open) return void socket.destroy()
      const upstream = connect(Number(target.port), target.hostname)
      socket.pipe(upstream).pipe(socket)
      upstream.on('error', () => socket.destroy())
      socket.on('close', () => upstream.destroy())
    })
    const name = randomUUID()
    const [a, b] = [instance(t, `redis://127.0.0.1:${relay.port}/9`, name), instance(t, url, name)]
    t.equal(await granted(a, 2), 2)
    link.open = false
    relay.cut()
    t.equal(await granted(a, 20), 1, 'earlier uses still count')
    t.strictSame(a.changes, ['served', 'failed'])
    t.equal(await granted(b, 20), 1, 'the other instance still counts in Redis')

    link.open = true
    // Reconnecting takes real time; the rest after a failure takes time of the test's clock.
    for (let i = 0; i < 100 && a.changes.length < 3; i++) {
      await delay(50)
      a.clock.milliseconds += restMilliseconds
      await a.limits.use({ limit, key: 'b' })
    }
    t.strictSame(a.changes, ['served', 'failed', 'served'])
    a.clock.milliseconds += 60_000
    t.match(await a.limits.use(use), { granted: false }, 'the counts of Redis hold again')
  })

  t.test('if Redis loses its data, each instance still has its own counts', async (t) => {
    const a = instance(t, url, randomUUID())
    t.equal(await granted(a, 3), 3)
    const redis = new Redis(url)
    t.teardown(() => redis.disconnect())
    await redis.flushdb()
    t.equal(await granted(a, 3), 0)
  })
}

t.test('without Redis clients are limited and not locked out', async (t) => {
  const { port } = await listen(t, (socket) => socket.destroy())
  const a = instance(t, `redis://127.0.0.1:${port}`, 'away', 300)
  t.equal(await granted(a, 20), 3)
  t.equal(await granted(a, 20, { limit, key: 'b' }), 3)
  await a.limits.undo(use)
  t.equal(await granted(a, 20), 1)
  t.strictSame(a.changes, ['failed'])
})

t.test('if Redis hangs, one use waits for it and the next ones do not', async (t) => {
  let asked = 0
  const { port } = await listen(t, (socket) => socket.on('data', () => (asked += 1)))
  const a = instance(t, `redis://127.0.0.1:${port}`, 'hanging', 300)
  t.match(await a.limits.use(use), { granted: true })
  const askedOnce = asked
  for (let i = 0; i < 20; i++) await a.limits.use(use)
  t.equal(asked, askedOnce)
  a.clock.milliseconds += restMilliseconds
  t.match(await a.limits.use({ limit, key: 'b' }), { granted: true })
})
