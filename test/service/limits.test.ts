import t from 'tap'
import { memoryRateLimits } from '../../src/adapters/rate-limits/memory-rate-limits.js'
import { noRateLimits, rateLimits } from '../../src/adapters/rate-limits/rate-limits.js'
import { Unavailable } from '../../src/ports/errors.js'
import { counted } from '../../src/service/limits.js'
import { Refused } from '../../src/service/refused.js'

const first = { limit: { name: 'first', max: 2, windowSeconds: 60 }, key: 'a' }
const second = { limit: { name: 'second', max: 1, windowSeconds: 60 }, key: 'a' }

const limited = { name: 'Refused', code: 'too_many_requests' }

/** Limits with a stopped clock, and the uses that are left of each. */
function limits() {
  const ports = { rateLimits: rateLimits(memoryRateLimits({ monotonic: () => 0 }), noRateLimits) }
  const usesLeft = async (use: typeof first) => {
    const { uses, granted } = await ports.rateLimits.use(use)
    if (granted) await ports.rateLimits.undo(use)
    return use.limit.max - (granted ? uses - 1 : uses)
  }
  return { ...ports, usesLeft }
}

const stays = () => true
const goes = () => false

t.test('work above the limit is refused until the window ends', async (t) => {
  const ports = limits()
  await counted(ports, [second], async () => undefined, stays)
  let limitedOnce = 0
  const refused = counted(
    ports,
    [second],
    async () => t.fail('the work was done'),
    stays,
    () => (limitedOnce += 1)
  )
  await t.rejects(refused, new Refused('too_many_requests', { retryAfterSeconds: 60 }))
  t.equal(limitedOnce, 1)
})

t.test('work stays counted in each limit if its result says so', async (t) => {
  const ports = limits()
  const isWrong = (result: string) => result === 'wrong'
  t.equal(await counted(ports, [first, second], async () => 'wrong', isWrong), 'wrong')
  t.equal(await ports.usesLeft(first), 1)
  t.equal(await ports.usesLeft(second), 0)
})

t.test('work whose result costs nothing, and work that found no room, are given back', async (t) => {
  const ports = limits()
  t.equal(await counted(ports, [first, second], async () => 'right', goes), 'right')
  const noRoom = async () => {
    throw new Unavailable('The queue is full.')
  }
  await t.rejects(counted(ports, [first, second], noRoom, stays), { name: 'Unavailable' })
  t.equal(await ports.usesLeft(first), 2)
  t.equal(await ports.usesLeft(second), 1)
})

t.test('if one limit is reached, the work is not done and the other limits count nothing', async (t) => {
  const ports = limits()
  await ports.rateLimits.use(second)
  await t.rejects(
    counted(ports, [first, second], async () => t.fail('the work was done'), stays),
    limited
  )
  t.equal(await ports.usesLeft(first), 2)
  t.equal(await ports.usesLeft(second), 0)
})

t.test('work counts while it is being done', async (t) => {
  const ports = limits()
  let end = () => {}
  const underWay = counted(ports, [second], () => new Promise<void>((resolve) => (end = resolve)), goes)
  await t.rejects(
    counted(ports, [second], async () => undefined, goes),
    limited
  )
  end()
  await underWay
  await t.resolves(counted(ports, [second], async () => undefined, goes))
})
