import type { PGlite } from '@electric-sql/pglite'
import t from 'tap'
import { reopeningCluster } from '../../../src/adapters/embedded/cluster.js'
import { Unavailable } from '../../../src/ports/errors.js'

const stopped = () => Object.assign(new Error('unreachable'), { name: 'RuntimeError' })

/** A cluster whose successive databases answer with `answers`, and counts of how many were opened and abandoned. */
async function scripted(answers: readonly (() => unknown)[]) {
  const seen = { opened: 0, abandoned: 0 }
  const cluster = await reopeningCluster(async () => {
    const answer = answers[seen.opened]
    seen.opened += 1
    if (answer === undefined) throw new Error('no room')
    const pglite = { query: async () => answer(), close: async () => undefined } as unknown as PGlite
    return { pglite, abandon: () => (seen.abandoned += 1) }
  })
  return { cluster, seen }
}

t.test('the next call after a stop opens the database again', async (t) => {
  const answers = [
    () => {
      throw stopped()
    },
    () => 'served'
  ]
  const { cluster, seen } = await scripted(answers)
  await t.rejects(cluster.query(''), { name: 'RuntimeError' })
  t.equal(await cluster.query(''), 'served')
  t.strictSame(seen, { opened: 2, abandoned: 1 }, 'the open files of the stopped one are closed')
})

t.test('a failed statement does not open the database again', async (t) => {
  const { cluster, seen } = await scripted([
    () => {
      throw new Error('syntax error')
    }
  ])
  await t.rejects(cluster.query(''), { message: 'syntax error' })
  await t.rejects(cluster.query(''), { message: 'syntax error' })
  t.strictSame(seen, { opened: 1, abandoned: 0 })
})

t.test('while the database cannot be opened, calls throw Unavailable without a new attempt', async (t) => {
  const { cluster, seen } = await scripted([
    () => {
      throw stopped()
    }
  ])
  await t.rejects(cluster.query(''))
  for (let tries = 0; tries < 3; tries += 1) await t.rejects(cluster.query(''), Unavailable)
  t.equal(seen.opened, 2)
  await cluster.close()
})

t.test('concurrent calls share one attempt to open the database again', async (t) => {
  const { cluster, seen } = await scripted([
    () => {
      throw stopped()
    },
    () => 'served'
  ])
  await t.rejects(cluster.query(''))
  t.strictSame(await Promise.all([cluster.query(''), cluster.query('')]), ['served', 'served'])
  t.equal(seen.opened, 2)
})
