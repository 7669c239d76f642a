import t from 'tap'
import { fairLine } from '../../../src/adapters/passwords/fair-line.js'
import type { PasswordSource } from '../../../src/ports/passwords.js'

const stranger = (network: string) => ({ network, knownDevice: false })
const known = (network: string) => ({ network, knownDevice: true })

/** A line with one slot, which is taken. */
function fullLine(maxWaiting: number) {
  const line = fairLine<string>(1, maxWaiting)
  line.start(stranger('first'))
  const sources = new Map<string, PasswordSource>()
  let running = stranger('first')
  return {
    hasRoom: line.hasRoom,
    leave: line.leave,
    waiting: () => line.load().waiting,
    join(waiter: string, source: PasswordSource) {
      sources.set(waiter, source)
      return line.join(waiter, source)
    },
    /** Ends the work that runs; returns what runs next. */
    next(): string | undefined {
      line.end(running)
      const next = line.next()
      running = sources.get(next ?? '') ?? running
      if (next === undefined) line.start(running)
      return next
    }
  }
}

/** Everybody in the line, in the order of their turns. */
function turns(line: ReturnType<typeof fullLine>): string[] {
  const order: string[] = []
  for (let next = line.next(); next !== undefined; next = line.next()) order.push(next)
  return order
}

t.test('networks take turns, and each keeps its own order', async (t) => {
  const line = fullLine(10)
  for (const waiter of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) line.join(waiter, stranger(waiter.slice(0, 1)))
  t.equal(line.waiting(), 6)
  t.strictSame(turns(line), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3'])
  t.equal(line.waiting(), 0)
})

t.test('a network that comes late waits for one password of each other network, not for all of them', async (t) => {
  const line = fullLine(10)
  for (const waiter of ['a1', 'a2', 'a3', 'a4']) line.join(waiter, stranger('a'))
  t.equal(line.next(), 'a1')
  line.join('b1', stranger('b'))
  t.strictSame(turns(line), ['a2', 'b1', 'a3', 'a4'])
})

t.test('known devices go before strangers, who still get every fourth turn', async (t) => {
  const line = fullLine(10)
  for (const waiter of ['s1', 's2']) line.join(waiter, stranger('s'))
  for (const waiter of ['k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7']) line.join(waiter, known('k'))
  t.strictSame(turns(line), ['k1', 'k2', 'k3', 's1', 'k4', 'k5', 'k6', 's2', 'k7'])
})

t.test('strangers take no places of known devices, and known devices take none of strangers', async (t) => {
  const line = fullLine(2)
  for (const waiter of ['s1', 's2']) t.equal(line.join(waiter, stranger('a')), undefined)
  t.notOk(line.hasRoom(stranger('a')))
  t.ok(line.hasRoom(known('a')), 'the same network')
  for (const waiter of ['k1', 'k2']) t.equal(line.join(waiter, known('a')), undefined)
  t.notOk(line.hasRoom(known('a')))
  t.strictSame(turns(line), ['k1', 'k2', 's1', 's2'])
})

t.test('in a full line the network with the most places gives its newest place to a network with fewer', async (t) => {
  const line = fullLine(4)
  for (const waiter of ['a1', 'a2', 'a3']) line.join(waiter, stranger('a'))
  line.join('b1', stranger('b'))
  t.equal(line.join('a4', stranger('a')), 'a4', 'the network with the most is refused itself')
  t.equal(line.join('c1', stranger('c')), 'a3')
  t.ok(line.hasRoom(stranger('d')))
  t.equal(line.join('d1', stranger('d')), 'a2')
  t.notOk(line.hasRoom(stranger('e')), 'each network has one place')
  t.equal(line.join('e1', stranger('e')), 'e1')
  t.notOk(line.hasRoom(stranger('a')))
  t.strictSame(turns(line), ['a1', 'b1', 'c1', 'd1'])
})

t.test('three networks that fill the line do not keep a fourth one out', async (t) => {
  const line = fullLine(32)
  for (let i = 0; i < 90; i++) line.join(`flood ${i}`, stranger(`flood ${i % 3}`))
  t.equal(line.waiting(), 32)
  t.ok(line.hasRoom(stranger('other')))
  line.join('other', stranger('other'))
  t.ok(turns(line).indexOf('other') <= 3)
})

t.test('a waiter that leaves frees its place', async (t) => {
  const line = fullLine(2)
  line.join('a1', stranger('a'))
  line.join('a2', stranger('a'))
  line.leave('a1')
  line.leave('unknown')
  t.equal(line.waiting(), 1)
  t.equal(line.join('a3', stranger('a')), undefined)
  line.leave('a2')
  line.leave('a3')
  t.equal(line.waiting(), 0)
  t.equal(line.next(), undefined)
})

t.test(
  'strangers may take all slots, and a known device that comes then gets the first that becomes free',
  async (t) => {
    const line = fairLine<string>(2, 10)
    t.strictSame(
      [1, 2, 3].map(() => line.start(stranger('a'))),
      [true, true, false]
    )
    for (const waiter of ['s1', 's2']) line.join(waiter, stranger('b'))
    t.notOk(line.start(known('a')))
    line.join('k1', known('a'))
    t.equal(line.next(), undefined, 'no slot is free')
    line.end(stranger('a'))
    t.equal(line.next(), 'k1')
    t.equal(line.next(), undefined)
    line.end(known('a'))
    t.equal(line.next(), 's1')
    t.same(line.load(), { running: 2, waiting: 1 })
  }
)

t.test('known devices may take all slots', async (t) => {
  const line = fairLine<string>(2, 10)
  t.strictSame(
    [1, 2, 3].map(() => line.start(known('a'))),
    [true, true, false]
  )
  line.join('s1', stranger('b'))
  line.end(known('a'))
  t.equal(line.next(), 's1')
})

t.test('clearing the line returns all who waited', async (t) => {
  const line = fairLine<string>(1, 10)
  line.join('s1', stranger('a'))
  line.join('k1', known('a'))
  t.strictSame(line.clear(), ['k1', 's1'])
  t.same(line.load(), { running: 0, waiting: 0 })
})
