import t from 'tap'
import { Prisma, type PrismaClient } from '../../../src/adapters/prisma/generated/client.js'
import { sharedReads } from '../../../src/adapters/prisma/shared-reads.js'
import type { Ask } from '../../../src/adapters/prisma/statements.js'
import { Unavailable } from '../../../src/ports/errors.js'

const bounds = { maxRunning: 10, maxWaiting: 500, waitSeconds: 60 }

/** Reads that stay open until the test answers them. A row is its id; ids that begin with `no` have none. */
function openReads() {
  const reads: { readonly ids: readonly string[]; answer(): void; fail(error: Error): void }[] = []
  const ask = (_: string, values: readonly unknown[]) => {
    const ids = values.flat().map(String)
    return new Promise<unknown>((resolve, reject) =>
      reads.push({
        ids,
        answer: () => resolve(ids.filter((id) => !id.startsWith('no')).map((id) => ({ id }))),
        fail: reject
      })
    )
  }
  const find = sharedReads(
    { bounds, alsoWaiting: () => undefined, run: (operation) => operation({} as PrismaClient, ask as Ask) },
    (wanted) => Prisma.sql`SELECT id WHERE id ${wanted}`,
    (row: { readonly id: string }) => row
  )
  return { find, reads }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

t.test('calls of one turn share one read, and each gets its own row', async (t) => {
  const { find, reads } = openReads()
  const found = ['a', 'b', 'c', 'none', 'c', 'd'].map(find)
  await turn()
  t.strictSame(
    reads.map(({ ids }) => ids),
    [['a', 'b', 'c', 'none', 'd']],
    'each id once'
  )
  reads[0]?.answer()
  t.strictSame(await Promise.all(found), [{ id: 'a' }, { id: 'b' }, { id: 'c' }, undefined, { id: 'c' }, { id: 'd' }])
})

t.test('a call gets no row of a read that began before it', async (t) => {
  const { find, reads } = openReads()
  const earlier = find('a')
  await turn()
  const later = find('a')
  await turn()
  t.strictSame(
    reads.map(({ ids }) => ids),
    [['a'], ['a']]
  )
  reads[0]?.answer()
  t.strictSame(await earlier, { id: 'a' })
  reads[1]?.answer()
  t.strictSame(await later, { id: 'a' })
})

t.test('if a shared read fails, each call reads alone', async (t) => {
  const { find, reads } = openReads()
  const found = ['c', 'not an id'].map(find)
  await turn()
  reads[0]?.fail(new Error('invalid input syntax for type uuid'))
  await turn()
  t.strictSame(reads[1]?.ids, ['c'])
  reads[1]?.answer()
  await turn()
  t.strictSame(reads[2]?.ids, ['not an id'])
  reads[2]?.fail(new Error('invalid input syntax for type uuid'))
  t.strictSame(await found[0], { id: 'c' })
  await t.rejects(async () => found[1], { message: /uuid/ })
})

t.test('if the database is away, a shared read is not repeated', async (t) => {
  const { find, reads } = openReads()
  const found = ['c', 'd'].map(find)
  await turn()
  reads[0]?.fail(new Unavailable('The database is away.'))
  for (const call of found) await t.rejects(call, Unavailable)
  t.equal(reads.length, 1)
})
