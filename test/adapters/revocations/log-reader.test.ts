import fc from 'fast-check'
import t from 'tap'
import { contentOf, logReader } from '../../../src/adapters/revocations/log-reader.js'
import type { Revocation } from '../../../src/core/revocation-set.js'
import { Unavailable } from '../../../src/ports/errors.js'

const start = 1_800_000_000_000
const minute = 60_000

function revocation(id: number, sid = `s${id}`, rest: Partial<Revocation> = {}): Revocation {
  return { id: BigInt(id), sid, reason: 'logged_out', at: start, expiresAt: start + 60 * minute, ...rest }
}

/** A reader over a log that the test changes. */
function play(...rows: Revocation[]) {
  const world = {
    now: start,
    rows,
    readable: true,
    /** The ids of each read; `all` for a read of all live entries. */
    asked: [] as ('all' | { readonly above: bigint; readonly ids: readonly bigint[] })[],
    told: [] as string[],
    resets: [] as string[][],
    /** Called after the log has answered, before the reader gets the answer. */
    onAnswer: () => {}
  }
  function find(isAsked: (row: Revocation) => boolean): Revocation[] {
    if (!world.readable) throw new Unavailable('away')
    const found = world.rows.filter((row) => row.expiresAt > world.now && isAsked(row))
    world.onAnswer()
    return found.sort((a, b) => Number(a.id - b.id))
  }
  const reader = logReader({
    log: {
      async *live() {
        world.asked.push('all')
        // Two pages: the reader must not take the first one for everything.
        const found = find(() => true)
        yield found.slice(0, 1)
        yield found.slice(1)
      },
      async after(above, ids) {
        world.asked.push({ above, ids })
        return find(({ id }) => id > above || ids.includes(id))
      }
    },
    clock: { now: () => world.now },
    onNew: (entries) => world.told.push(...entries.map(({ sid }) => String(sid))),
    onReset: (lost) => world.resets.push(lost.map(({ sid }) => String(sid)))
  })
  const known = () => reader.after(undefined).map(({ sid }) => sid)
  function writeOwnDuringTheNextRead(): void {
    world.onAnswer = () => {
      world.rows.push(revocation(2, 'own'))
      reader.noteOwn([revocation(2, 'own')])
      world.onAnswer = () => {}
    }
  }
  return { world, reader, known, writeOwnDuringTheNextRead }
}

t.test(
  'the first read takes all live entries, and later ones ask for higher ids and for the highest again',
  async (t) => {
    const { world, reader } = play(revocation(1), revocation(2))
    await reader.read()
    world.rows.push(revocation(3))
    await reader.read()
    await reader.read()
    t.strictSame(world.asked, ['all', { above: 2n, ids: [2n] }, { above: 3n, ids: [3n] }])
    t.strictSame(world.told, ['s1', 's2', 's3'])
  }
)

t.test('a gap costs one more id in each read, and an entry that fills it is found', async (t) => {
  const { world, reader } = play(revocation(1))
  await reader.read()
  world.rows.push(revocation(3))
  await reader.read()
  world.rows.push(revocation(2))
  await reader.read()
  await reader.read()
  t.strictSame(world.asked.slice(2), [
    { above: 3n, ids: [3n, 2n] },
    { above: 3n, ids: [3n] }
  ])
  t.strictSame(world.told, ['s1', 's3', 's2'])
})

t.test('while no entry is live, every read takes all live entries, so ids that begin anew are found', async (t) => {
  const { world, reader } = play(revocation(50))
  await reader.read()
  world.now += 60 * minute
  world.rows = [revocation(7, 'again', { expiresAt: world.now + 60 * minute })]
  await reader.read()
  t.strictSame(world.told, ['s50', 'again'])
  t.strictSame(world.resets, [], 'an expired entry is not lost')
})

t.test('if the entry of the highest id is gone, the log was reset, and what it lost is reported', async (t) => {
  const { world, reader, known } = play(revocation(1), revocation(2), revocation(3))
  await reader.read()
  world.rows = [revocation(1), revocation(2, 'new')]
  await reader.read()
  t.strictSame(world.resets, [['s2', 's3']])
  t.strictSame(world.told, ['s1', 's2', 's3', 'new'])
  t.strictSame(known(), ['s1', 'new'])
  world.rows.push(revocation(3, 'next'))
  await reader.read()
  t.equal(world.told.at(-1), 'next', 'ids that were seen before the reset count again')
})

t.test('a reset is found also after the ids have passed the highest one', async (t) => {
  const { world, reader } = play(revocation(1), revocation(2))
  await reader.read()
  world.rows = [revocation(1), ...[2, 3, 4].map((id) => revocation(id, `new${id}`))]
  await reader.read()
  t.strictSame(world.resets, [['s2']])
  t.strictSame(world.told.slice(2), ['new2', 'new3', 'new4'])
})

t.test('an entry that is present under another id is not lost', async (t) => {
  const { world, reader } = play(revocation(1), revocation(2))
  await reader.read()
  world.rows = [revocation(1), revocation(5, 's2')]
  await reader.read()
  t.strictSame(world.resets, [[]], 'another instance has written it again')
})

t.test('an own entry counts although its id was seen, and the entry that had the id is lost', async (t) => {
  const { world, reader } = play(revocation(1), revocation(2))
  await reader.read()
  const own = revocation(2, 'own')
  world.rows = [revocation(1), own]
  reader.noteOwn([own])
  t.equal(world.told.at(-1), 'own')
  t.ok(reader.isComparisonDue())
  await reader.read()
  t.strictSame(world.resets, [['s2']])
  t.equal(world.told.filter((sid) => sid === 'own').length, 1)
})

t.test('own entries do not move the position: entries of others below them are found', async (t) => {
  const { world, reader } = play(revocation(1), revocation(9))
  await reader.read()
  world.rows = [revocation(1), revocation(8, 'others'), revocation(20, 'own')]
  reader.noteOwn([revocation(20, 'own')])
  await reader.read()
  t.ok(world.told.includes('others'))
})

t.test('an own entry that the log has lost before a read has returned it is reported', async (t) => {
  const { world, reader } = play(revocation(5, 's5', { at: start - 5 * minute }))
  await reader.read()
  reader.noteOwn([revocation(6, 'own'), revocation(2, 'own of a range')])
  world.rows.push(revocation(2, 'own of a range'))
  await reader.read()
  t.strictSame(world.resets, [['own']])
  t.strictSame(world.asked[1], { above: 5n, ids: [5n, 2n] })
})

t.test('an own entry that arrives during a comparison is not lost', async (t) => {
  const { world, reader, known, writeOwnDuringTheNextRead } = play(revocation(1))
  await reader.read()
  writeOwnDuringTheNextRead()
  reader.compareNext()
  await reader.read()
  t.strictSame(world.resets, [])
  t.strictSame(known(), ['s1', 'own'])
})

t.test('an own entry that gets the id of a lost one during a comparison counts once, and is not lost', async (t) => {
  const { world, reader, known, writeOwnDuringTheNextRead } = play(revocation(1), revocation(2))
  await reader.read()
  world.rows = [revocation(1)]
  writeOwnDuringTheNextRead()
  reader.compareNext()
  await reader.read()
  await reader.read()
  t.strictSame(world.resets, [['s2']])
  t.strictSame(known(), ['s1', 'own'])
  t.strictSame(world.told, ['s1', 's2', 'own'])
})

t.test('a lost entry below the highest is found by a comparison', async (t) => {
  for (const [name, cause] of Object.entries({
    'when asked for': ({ reader }: ReturnType<typeof play>) => reader.compareNext(),
    'after a failed read': async ({ reader, world }: ReturnType<typeof play>) => {
      world.readable = false
      await t.rejects(reader.read(), Unavailable)
      world.readable = true
    },
    'after a minute': ({ world }: ReturnType<typeof play>) => {
      world.now += minute
    }
  })) {
    const played = play(revocation(1), revocation(2))
    const { world, reader } = played
    await reader.read()
    world.rows = [revocation(2)]
    await reader.read()
    t.strictSame(world.resets, [], name)
    await cause(played)
    t.ok(reader.isComparisonDue(), name)
    await reader.read()
    t.strictSame(world.resets, [['s1']], name)
    t.notOk(reader.isComparisonDue(), name)
  }
})

t.test('an entry that is about to expire may be missing', async (t) => {
  const { world, reader } = play(revocation(1, 's1', { expiresAt: start + minute }), revocation(2))
  await reader.read()
  world.now += minute - 1000
  world.rows = [revocation(2)]
  reader.compareNext()
  await reader.read()
  t.strictSame(world.resets, [], "the database's clock may be ahead")
})

t.test(
  'where ids have no order, an entry far below is found within a minute, and later ones by each read',
  async (t) => {
    const old = { at: start - 5 * minute }
    const { world, reader } = play(revocation(1, 's1', old), revocation(1000, 's1000', old))
    await reader.read()
    world.rows.push(revocation(20, 's20', old))
    await reader.read()
    t.notOk(world.told.includes('s20'))
    world.now += minute
    await reader.read()
    t.equal(world.told.at(-1), 's20')
    world.rows.push(revocation(21, 's21', old))
    await reader.read()
    t.equal(world.told.at(-1), 's21')
    t.strictSame(world.resets, [])

    for (let passed = 0; passed < 11 * minute; passed += minute) {
      world.now += minute
      await reader.read()
    }
    await reader.read()
    t.not(world.asked.at(-1), 'all', 'if no other such entry comes, reads are by id again')
  }
)

t.test('a reader of the feed gets what became known after its last entry, in that order', async (t) => {
  const { world, reader } = play(revocation(1), revocation(3))
  await reader.read()
  reader.noteOwn([revocation(9)])
  world.rows.push(revocation(2), revocation(9))
  await reader.read()
  const after = (id: bigint | undefined) => reader.after(id).map((entry) => Number(entry.id))
  t.strictSame(after(undefined), [1, 3, 9, 2])
  t.strictSame(after(9n), [2])
  t.strictSame(after(2n), [])
  t.strictSame(after(7n), [1, 3, 9, 2], 'all, if the id is unknown')
})

/** What happens to a log that two instances write to, and that can lose its newest entries. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant('write' as const) },
  { weight: 3, arbitrary: fc.constant('own' as const) },
  { weight: 4, arbitrary: fc.constant('read' as const) },
  { weight: 1, arbitrary: fc.constant('fail' as const) },
  { weight: 1, arbitrary: fc.record({ lose: fc.nat({ max: 6 }), skip: fc.nat({ max: 3 }) }) }
)

t.test('whatever a log loses: every live entry counts, and every lost one that was known is reported', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { world, reader } = play()
      let written = 0
      let nextId = 1
      const add = () => {
        written += 1
        const entry = revocation(nextId, `s${written}`)
        nextId += 1
        world.rows.push(entry)
        return entry
      }
      const read = () => reader.read().catch(() => undefined)
      for (const what of steps) {
        world.readable = true
        if (what === 'write') add()
        else if (what === 'own') reader.noteOwn([add()])
        else if (what === 'read') await read()
        else if (what === 'fail') {
          world.readable = false
          await read()
        } else {
          world.rows = world.rows.slice(0, Math.max(0, world.rows.length - what.lose))
          nextId = Number(world.rows.at(-1)?.id ?? 0n) + 1 + what.skip
        }
      }
      world.readable = true
      await read()
      // An entry that was displaced twice needs a second comparison.
      if (reader.isComparisonDue()) await read()
      const reported = new Set(world.resets.flat())
      const present = new Set(world.rows.map(({ sid }) => String(sid)))
      return (
        [...present].every((sid) => world.told.includes(sid)) &&
        world.told.every((sid) => present.has(sid) || reported.has(sid)) &&
        reader.after(undefined).map(contentOf).sort().join() === world.rows.map(contentOf).sort().join()
      )
    }),
    { numRuns: 2000 }
  )
})
