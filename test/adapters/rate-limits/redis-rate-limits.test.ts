import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { memoryRateLimits } from '../../../src/adapters/rate-limits/memory-rate-limits.js'
import { redisRateLimits } from '../../../src/adapters/rate-limits/redis-rate-limits.js'
import type { RateLimits } from '../../../src/ports/limits.js'

const server = process.env.TEST_REDIS_URL
/** A database of its own, so that it can be emptied. */
const url = server && new URL('/9', server).href

const allowance = { name: 'guess', max: 3, windowSeconds: 60 }
const ofInstance = { ...allowance, name: 'refresh', perInstance: true } as const
const use = { allowance, key: 'a' }

/** One instance's limits, what it told of Redis, and a clock that the test puts forward. */
function instance(t: Test, at: string, name: string, timeoutMilliseconds = 20_000) {
  const told: boolean[] = []
  const clock = { milliseconds: 0 }
  const limits = redisRateLimits({
    url: at,
    name,
    inMemory: memoryRateLimits({ monotonic: () => clock.milliseconds }),
    onChange: (away) => void told.push(away),
    timeoutMilliseconds,
    monotonic: () => clock.milliseconds
  })
  t.teardown(limits.close)
  return { limits, told, clock }
}

/** Serves connections on a port of its own until the test ends. */
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

/** How many of so many uses at once are granted. */
async function granted({ limits }: { limits: RateLimits }, times: number, of = use): Promise<number> {
  const takings = await Promise.all(Array.from({ length: times }, () => limits.use(of)))
  return takings.filter((taking) => taking.granted).length
}

const restMilliseconds = 1000

if (url === undefined) {
  t.pass('what needs Redis', { skip: 'TEST_REDIS_URL is not set' })
} else {
  t.test('two instances count together, also what they do at once, and nobody of another name with them', async (t) => {
    const name = randomUUID()
    const [a, b, other] = [instance(t, url, name), instance(t, url, name), instance(t, url, randomUUID())]
    const both = await Promise.all([granted(a, 20), granted(b, 20)])
    t.equal(both[0] + both[1], 3)
    const refused = await b.limits.use(use)
    t.match(refused, { granted: false, uses: 3 })
    t.ok(refused.endsInSeconds > 50 && refused.endsInSeconds <= 60)
    t.equal(await granted(other, 4), 3)
    t.equal(await granted(a, 4, { allowance, key: 'b' }), 3, 'and each key by itself')
  })

  t.test('what is given back on one instance can be used on another', async (t) => {
    const name = randomUUID()
    const [a, b] = [instance(t, url, name), instance(t, url, name)]
    t.equal(await granted(a, 3), 3)
    await a.limits.undo(use)
    t.equal(await granted(b, 3), 1)
    for (let i = 0; i < 9; i++) await a.limits.undo(use)
    t.equal(await granted(b, 9), 2, 'and no more than there was on it')
  })

  t.test('a window ends, and no key stays or tells whom it is of', async (t) => {
    const short = { allowance: { ...allowance, windowSeconds: 1 }, key: 'ada@example.org' }
    const name = randomUUID()
    const a = instance(t, url, name)
    t.equal(await granted(a, 4, short), 3)
    const redis = new Redis(url)
    t.teardown(() => redis.disconnect())
    const keys = await redis.keys('latchkey:limit:*')
    t.ok(keys.length > 0)
    t.notMatch(keys.join(), 'ada')
    for (const key of keys) t.ok((await redis.pttl(key)) <= 60_000)
    const b = instance(t, url, name)
    t.match(await b.limits.use(short), { granted: false })
    await delay(1100)
    t.match(await b.limits.use(short), { granted: true, uses: 1 })
  })

  t.test('what one instance counts for itself is not counted there', async (t) => {
    const name = randomUUID()
    const [a, b] = [instance(t, url, name), instance(t, url, name)]
    t.equal(await granted(a, 4, { allowance: ofInstance, key: 'a' }), 3)
    t.equal(await granted(b, 4, { allowance: ofInstance, key: 'a' }), 3)
  })

  t.test(
    'while Redis is away each instance counts for itself, on from where it was; then together again',
    async (t) => {
      const target = new URL(url)
      const way = { open: true }
      const relay = await listen(t, (socket) => {
        if (!way.open) return void socket.destroy()
        const onward = connect(Number(target.port), target.hostname)
        socket.pipe(onward).pipe(socket)
        onward.on('error', () => socket.destroy())
        socket.on('close', () => onward.destroy())
      })
      const name = randomUUID()
      const [a, b] = [instance(t, `redis://127.0.0.1:${relay.port}/9`, name), instance(t, url, name)]
      t.equal(await granted(a, 2), 2)
      way.open = false
      relay.cut()
      t.equal(await granted(a, 20), 1, 'what it had counted still counts')
      t.strictSame(a.told, [true])
      t.equal(await granted(b, 20), 1, 'the other one counts on in Redis')

      way.open = true
      // It reconnects by the time of the machine, and asks again by the clock that is held here.
      for (let i = 0; i < 100 && a.told.length < 2; i++) {
        await delay(50)
        a.clock.milliseconds += restMilliseconds
        await a.limits.use({ allowance, key: 'b' })
      }
      t.strictSame(a.told, [true, false])
      a.clock.milliseconds += 60_000
      t.match(await a.limits.use(use), { granted: false }, 'what Redis has counted holds here again')
    }
  )

  t.test('a Redis that has forgotten everything leaves each instance what it has counted', async (t) => {
    const a = instance(t, url, randomUUID())
    t.equal(await granted(a, 3), 3)
    const redis = new Redis(url)
    t.teardown(() => redis.disconnect())
    await redis.flushdb()
    t.equal(await granted(a, 3), 0)
  })
}

t.test('a Redis that is not there locks nobody out and leaves nobody without a limit', async (t) => {
  const { port } = await listen(t, (socket) => socket.destroy())
  const a = instance(t, `redis://127.0.0.1:${port}`, 'away', 300)
  t.equal(await granted(a, 20), 3)
  t.equal(await granted(a, 20, { allowance, key: 'b' }), 3)
  await a.limits.undo(use)
  t.equal(await granted(a, 20), 1)
  t.strictSame(a.told, [true], 'and that it is away is told once')
})

t.test('a Redis that hangs costs one wait, and is left alone for a while', async (t) => {
  let asked = 0
  const { port } = await listen(t, (socket) => socket.on('data', () => (asked += 1)))
  const a = instance(t, `redis://127.0.0.1:${port}`, 'hanging', 300)
  t.match(await a.limits.use(use), { granted: true })
  const askedOnce = asked
  for (let i = 0; i < 20; i++) await a.limits.use(use)
  t.equal(asked, askedOnce)
  a.clock.milliseconds += restMilliseconds
  t.match(await a.limits.use({ allowance, key: 'b' }), { granted: true })
})
