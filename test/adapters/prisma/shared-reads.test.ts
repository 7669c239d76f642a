import t from 'tap'
import { sharedReads } from '../../../src/adapters/prisma/shared-reads.js'
import { Unavailable } from '../../../src/ports/errors.js'

const bounds = { maxRunning: 10, maxWaiting: 500, waitSeconds: 60 }

/** Reads that stay open until the test answers them. A row is its id; ids that begin with `no` have none. */
function openReads() {
  const reads: { readonly ids: readonly string[]; answer(): void; fail(error: Error): void }[] = []
  const find = sharedReads({ bounds, alsoWaiting: () => undefined }, ({ values }) => {
    const ids = values.flat().map(String)
    return new Promise<readonly { readonly id: string }[]>((resolve, reject) =>
      reads.push({
        ids,
        answer: () => resolve(ids.filter((id) => !id.startsWith('no')).map((id) => ({ id }))),
        fail: reject
      })
    )
  })
  return { find, reads }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Calls `find` in different turns of the event loop. */
async function inTurns<Row>(find: (id: string) => Promise<Row>, ids: readonly string[]) {
  const found: Promise<Row>[] = []
  for (const id of ids) {
    found.push(find(id))
    await turn()
  }
  return found
}

t.test('calls that wait share one read, and each gets its own row', async (t) => {
  const { find, reads } = openReads()
  const found = await inTurns(find, ['a', 'b', 'c', 'none', 'c', 'd'])
  t.strictSame(
    reads.map(({ ids }) => ids),
    [['a'], ['b']],
    'two read at once'
  )
  reads[0]?.answer()
  await turn()
  t.strictSame(reads[2]?.ids, ['c', 'none', 'd'], 'each id once')
  for (const { answer } of reads.slice(1)) answer()
  t.strictSame(await Promise.all(found), [{ id: 'a' }, { id: 'b' }, { id: 'c' }, undefined, { id: 'c' }, { id: 'd' }])
})

t.test('a call gets no row of a read that began before it', async (t) => {
  const { find, reads } = openReads()
  const earlier = await inTurns(find, ['a', 'a'])
  const later = find('a')
  await turn()
  for (const { answer } of reads) answer()
  await Promise.all(earlier)
  await turn()
  t.strictSame(
    reads.map(({ ids }) => ids),
    [['a'], ['a'], ['a']]
  )
  reads[2]?.answer()
  t.strictSame(await later, { id: 'a' })
})

t.test('if a shared read fails, each call reads alone', async (t) => {
  const { find, reads } = openReads()
  const first = await inTurns(find, ['a', 'b'])
  const waiting = await inTurns(find, ['c', 'not an id'])
  reads[0]?.answer()
  await turn()
  reads[2]?.fail(new Error('invalid input syntax for type uuid'))
  await turn()
  t.strictSame(reads[3]?.ids, ['c'])
  reads[3]?.answer()
  await turn()
  t.strictSame(reads[4]?.ids, ['not an id'])
  reads[4]?.fail(new Error('invalid input syntax for type uuid'))
  for (const { answer } of reads) answer()
  await Promise.all(first)
  t.strictSame(await waiting[0], { id: 'c' })
  await t.rejects(async () => waiting[1], { message: /uuid/ })
})

t.test('if the database is away, a shared read is not repeated', async (t) => {
  const { find, reads } = openReads()
  const first = await inTurns(find, ['a', 'b'])
  const waiting = await inTurns(find, ['c', 'd'])
  reads[0]?.answer()
  await turn()
  reads[2]?.fail(new Unavailable('The database is away.'))
  for (const call of waiting) await t.rejects(call, Unavailable)
  t.equal(reads.length, 3)
  for (const { answer } of reads) answer()
  await Promise.all(first)
})
