import t from 'tap'
import { memoryRateLimits } from '../../src/adapters/rate-limits/memory-rate-limits.js'
import { Unavailable } from '../../src/ports/errors.js'
import { countedGuess, requireWithinLimit } from '../../src/service/limits.js'
import { Refused } from '../../src/service/refused.js'

const first = { limit: { name: 'first', max: 2, windowSeconds: 60 }, key: 'a' }
const second = { limit: { name: 'second', max: 1, windowSeconds: 60 }, key: 'a' }

const limited = { name: 'Refused', code: 'too_many_requests' }

/** Limits with a stopped clock, and the uses that are left of each. */
function limits() {
  const rateLimits = memoryRateLimits({ monotonic: () => 0 })
  const usesLeft = async (use: typeof first) => {
    const { uses, granted } = await rateLimits.use(use)
    if (granted) await rateLimits.undo(use)
    return use.limit.max - (granted ? uses - 1 : uses)
  }
  return { rateLimits, usesLeft }
}

t.test('a use above the limit is refused until the window ends', async (t) => {
  const ports = limits()
  await requireWithinLimit(ports, second)
  await t.rejects(requireWithinLimit(ports, second), new Refused('too_many_requests', { retryAfterSeconds: 60 }))
})

t.test('a wrong guess stays counted, in each limit', async (t) => {
  const ports = limits()
  t.equal(await countedGuess(ports, [first, second], async () => 'wrong'), 'wrong')
  t.equal(await ports.usesLeft(first), 1)
  t.equal(await ports.usesLeft(second), 0)
})

t.test('a right guess, and one that could not be made, are given back', async (t) => {
  const ports = limits()
  t.equal(await countedGuess(ports, [first, second], async () => undefined), undefined)
  const failed = countedGuess(ports, [first, second], async () => {
    throw new Unavailable('The queue is full.')
  })
  await t.rejects(failed, { name: 'Unavailable' })
  t.equal(await ports.usesLeft(first), 2)
  t.equal(await ports.usesLeft(second), 1)
})

t.test('if one limit is reached, no guess is made and the other limits count nothing', async (t) => {
  const ports = limits()
  await requireWithinLimit(ports, second)
  let guessed = 0
  const guess = async () => {
    guessed += 1
    return undefined
  }
  await t.rejects(countedGuess(ports, [first, second], guess), limited)
  t.equal(guessed, 0)
  t.equal(await ports.usesLeft(first), 2)
  t.equal(await ports.usesLeft(second), 0)
})

t.test('a guess counts while it is being checked', async (t) => {
  const ports = limits()
  let end = () => {}
  const underWay = countedGuess(
    ports,
    [second],
    () => new Promise<undefined>((resolve) => (end = () => resolve(undefined)))
  )
  await t.rejects(
    countedGuess(ports, [second], async () => undefined),
    limited
  )
  end()
  await underWay
  await t.resolves(countedGuess(ports, [second], async () => undefined))
})
