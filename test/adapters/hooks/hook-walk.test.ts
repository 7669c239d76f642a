import t from 'tap'
import { hookWalk } from '../../../src/adapters/hooks/hook-walk.js'
import type { UserCreated } from '../../../src/core/hooks.js'
import type { HookRow } from '../../../src/ports/hooks.js'

type Row = HookRow<'onUserCreated'>

const start = 1_700_000_000_000

/** An event log in memory, with a clock. */
function scriptedLog() {
  const rows = new Map<number, Row>()
  const state = { now: start, reads: [] as { above: bigint; ids: readonly bigint[] }[], fails: false }
  const log = {
    async read<Kind>(_kind: Kind, { above, ids, limit }: { above: bigint; ids: readonly bigint[]; limit: number }) {
      if (state.fails) throw new Error('the database is away')
      state.reads.push({ above, ids })
      const all = [...rows.values()].sort((a, b) => Number(a.id - b.id))
      const page = all.filter(({ id }) => id > above).slice(0, limit)
      return [...all.filter(({ id }) => ids.includes(id)), ...page] as never
    }
  }
  const write = (id: number, { at = state.now, concerns = true } = {}) => {
    const event: UserCreated = {
      id: `${id}-${at}`,
      at,
      by: 'request',
      actorId: null,
      externalId: null,
      userId: `user ${id}`
    }
    rows.set(id, { id: BigInt(id), at, event: concerns ? event : null })
  }
  const delivered = new Map<bigint, string>()
  const walkFrom = (position: bigint, page?: number) =>
    hookWalk({
      kind: 'onUserCreated',
      from: { position, caughtUpAt: start },
      log,
      clock: { now: () => state.now },
      delivered,
      page
    })
  return { rows, state, write, walkFrom, delivered }
}

/** Delivers all that there is. */
async function drain(walk: ReturnType<ReturnType<typeof scriptedLog>['walkFrom']>): Promise<readonly string[]> {
  const users: string[] = []
  for (let event = await walk.next(); event !== undefined; event = await walk.next()) {
    users.push(event.userId)
    walk.pass()
  }
  return users
}

t.test('events are delivered in order, and the cursor follows', async (t) => {
  const { write, walkFrom, state } = scriptedLog()
  for (const id of [1, 2, 4]) write(id)
  write(3, { concerns: false })
  const walk = walkFrom(0n)
  t.strictSame(await drain(walk), ['user 1', 'user 2', 'user 4'])
  t.strictSame(walk.cursor(), { position: 4n, caughtUpAt: state.now })
  t.strictSame(await drain(walk), [])
  write(5)
  t.strictSame(await drain(walk), ['user 5'])
})

t.test('an event stays the next one until it is passed, and the cursor stays below it', async (t) => {
  const { write, walkFrom, state } = scriptedLog()
  for (const id of [1, 2, 3]) write(id)
  const walk = walkFrom(0n)
  state.now += 1000
  t.match(await walk.next(), { userId: 'user 1' })
  walk.pass()
  t.match(await walk.next(), { userId: 'user 2' })
  t.match(await walk.next(), { userId: 'user 2' })
  t.strictSame(walk.cursor(), { position: 1n, caughtUpAt: start })
})

t.test('an event whose transaction commits after a later one is delivered when it appears', async (t) => {
  const { write, walkFrom, state } = scriptedLog()
  write(1)
  write(3)
  const walk = walkFrom(0n)
  t.strictSame(await drain(walk), ['user 1', 'user 3'], 'nothing waits for it')
  t.equal(walk.cursor().position, 1n, 'another instance must ask for it too')
  state.now += 59_000
  write(2)
  t.strictSame(await drain(walk), ['user 2'])
  t.equal(walk.cursor().position, 3n)
})

t.test('the cursor passes an id that can appear no more, as after a transaction that was rolled back', async (t) => {
  const { write, walkFrom, state } = scriptedLog()
  write(1)
  write(3)
  const walk = walkFrom(0n)
  await drain(walk)
  state.now += 59_000
  await drain(walk)
  t.equal(walk.cursor().position, 1n)
  state.now += 2000
  write(2)
  t.strictSame(await drain(walk), ['user 2'], 'it is asked for a last time')
  t.equal(walk.cursor().position, 3n)
  t.strictSame(state.reads.at(-1)?.ids, [3n], 'only the newest row is asked for again')
})

t.test('a walk that another instance begins at the cursor finds what was missing', async (t) => {
  const { write, walkFrom, delivered } = scriptedLog()
  write(1)
  write(3)
  const first = walkFrom(0n)
  await drain(first)
  write(2)
  delivered.clear()
  t.strictSame(await drain(walkFrom(first.cursor().position)), ['user 2', 'user 3'], 'and some again')
})

t.test('a new walk of the same instance delivers nothing twice', async (t) => {
  const { write, walkFrom, state } = scriptedLog()
  write(1)
  write(3)
  const first = walkFrom(0n)
  await drain(first)
  state.fails = true
  await t.rejects(first.next())
  state.fails = false
  write(4)
  t.strictSame(await drain(walkFrom(first.cursor().position)), ['user 4'])
})

t.test('a long backlog is read page by page, and the cursor goes no further than what was read', async (t) => {
  const { write, walkFrom, state } = scriptedLog()
  for (let id = 1; id <= 10; id += 1) write(id, { at: start - 3_600_000, concerns: id % 3 === 0 })
  const walk = walkFrom(0n, 4)
  t.match(await walk.next(), { userId: 'user 3' })
  walk.pass()
  t.equal(walk.cursor().position, 4n)
  t.match(await walk.next(), { userId: 'user 6' })
  t.strictSame(await drain(walk), ['user 6', 'user 9'])
  t.strictSame(
    state.reads.map(({ above }) => above),
    [0n, 4n, 8n, 10n]
  )
  t.equal(walk.cursor().position, 10n)
})

t.test('where ids are made from the time, nothing is lost and nothing is delivered twice', async (t) => {
  const { write, walkFrom, state } = scriptedLog()
  const walk = walkFrom(0n, 3)
  const delivered: string[] = []
  for (let second = 0; second < 200; second += 1) {
    state.now = start + second * 1000
    if (second < 60) {
      write(second * 1_000_000 + 500)
      // Committed ten seconds after its id was given.
      if (second >= 10) write((second - 10) * 1_000_000 + 700)
    }
    delivered.push(...(await drain(walk)))
  }
  t.equal(delivered.length, 110)
  t.equal(new Set(delivered).size, 110)
  t.equal(walk.cursor().position, 59_000_500n)
})

t.test('if the log has lost entries and gives their ids again, the walk ends without moving the cursor', async (t) => {
  const { rows, write, walkFrom, state } = scriptedLog()
  for (const id of [1, 2, 3]) write(id)
  const walk = walkFrom(0n)
  await drain(walk)
  for (const lost of [2, 3]) rows.delete(lost)
  await t.rejects(walk.next(), /lost entries/)
  state.now += 1000
  for (const id of [2, 3, 4]) write(id)
  await t.rejects(walk.next(), /lost entries/)
  t.equal(walk.cursor().position, 0n)
  t.strictSame(await drain(walkFrom(1n)), ['user 2', 'user 3', 'user 4'], 'they are other events than those before')
})
