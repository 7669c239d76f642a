import fc from 'fast-check'
import t from 'tap'
import { feedPosition } from '../../../src/adapters/revocations/feed-position.js'

t.test('without gaps only higher ids are asked for, in whatever order the ids appear', async (t) => {
  const position = feedPosition(1000)
  for (const id of [2n, 3n, 1n]) position.note(id, 0)
  t.strictSame(position.next(0), { above: 3n, missing: [] })
  t.equal(position.highest, 3n)
})

t.test('a skipped id is asked for by itself until it appears, or can appear no more', async (t) => {
  const position = feedPosition(1000)
  position.note(1n, 0)
  position.note(4n, 500)
  t.strictSame(position.next(500), { above: 4n, missing: [2n, 3n] })
  position.note(3n, 600)
  t.strictSame(position.next(1499), { above: 4n, missing: [2n] })
  t.strictSame(position.next(1500), { above: 4n, missing: [2n] }, 'it can have appeared since the last read')
  t.strictSame(position.next(1500), { above: 4n, missing: [] })
})

t.test('an id below an entry that was committed long ago is not asked for', async (t) => {
  const position = feedPosition(1000)
  position.note(7n, 5000, 4000)
  t.strictSame(position.next(5000), { above: 7n, missing: [] })
})

t.test(
  'if a gap is too wide to list, the ids above its beginning are asked for as long as one can appear',
  async (t) => {
    const position = feedPosition(1000, 3)
    position.note(1n, 0)
    position.note(3n, 0)
    position.note(1000n, 100)
    t.strictSame(position.next(100), { above: 3n, missing: [2n] })
    position.note(1002n, 200)
    t.strictSame(position.next(999), { above: 3n, missing: [2n] }, 'the gap at 1001 lies above')
    t.strictSame(position.next(1100), { above: 3n, missing: [2n] })
    t.strictSame(position.next(1200), { above: 1002n, missing: [1001n] })
    t.strictSame(position.next(1200), { above: 1002n, missing: [] })
  }
)

t.test('under steady load with wide gaps, the position stays back by a bounded time', async (t) => {
  const position = feedPosition(60_000)
  const idAt = (now: number) => BigInt(now) * 1_000_000n
  for (let now = 0; now <= 600_000; now += 100) {
    position.note(idAt(now), now)
    const { above } = position.next(now)
    if (now >= 120_000 && (above < idAt(now - 62_000) || above > idAt(now - 59_000))) t.fail(`${above} at ${now}`)
  }
  t.strictSame(position.next(700_000).missing, [])
})

const maxCommit = 1000

/** Ids as a sequence hands them out, or as they are made from the time; when each begins and commits, if it does. */
const written = fc.array(
  fc.record({
    skipped: fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 100_000 })),
    pause: fc.nat({ max: 400 }),
    lasts: fc.nat({ max: maxCommit - 1 }),
    commits: fc.boolean(),
    readAfter: fc.boolean()
  }),
  { maxLength: 60 }
)
t.test('a reader that asks for what is next misses no entry, and asks for a bounded list of ids', async () => {
  fc.assert(
    fc.property(written, fc.nat({ max: 8 }), (writes, maxMissing) => {
      let id = 0n
      let begunAt = 10_000
      const rows = writes.map(({ skipped, pause, lasts, commits }) => {
        id += BigInt(skipped) + 1n
        begunAt += pause
        return { id, at: begunAt, committedAt: commits ? begunAt + lasts : Number.POSITIVE_INFINITY }
      })
      const position = feedPosition(maxCommit, maxMissing)
      const seen = new Set<bigint>()
      const read = (now: number) => {
        const { above, missing } = position.next(now)
        if (missing.length > maxMissing) return false
        const found = rows.filter(({ id, committedAt }) => committedAt <= now && (id > above || missing.includes(id)))
        for (const row of found) {
          seen.add(row.id)
          position.note(row.id, now, Math.min(now, row.at + maxCommit))
        }
        return true
      }
      const end = begunAt + 2 * maxCommit
      const times = rows.filter((_, i) => writes[i]?.readAfter).map(({ at }) => at)
      const bounded = [...times, ...times.map((at) => at + 500), end].sort((a, b) => a - b).every(read)
      const all = rows.filter(({ committedAt }) => committedAt <= end).every((row) => seen.has(row.id))
      position.next(end + maxCommit)
      const settled = position.next(end + maxCommit)
      return bounded && all && settled.above === position.highest && settled.missing.length === 0
    }),
    { numRuns: 2000 }
  )
})
