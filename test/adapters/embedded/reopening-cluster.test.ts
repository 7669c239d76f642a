import type { PGlite } from '@electric-sql/pglite'
import t from 'tap'
import { reopeningCluster } from '../../../src/adapters/embedded/reopening-cluster.js'
import { Unavailable } from '../../../src/ports/errors.js'

const stopped = () => Object.assign(new Error('unreachable'), { name: 'RuntimeError' })

/** A cluster whose databases answer as `answers` say, one after the other, and what became of them. */
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

t.test('a database that has stopped is opened anew by the next who asks', async (t) => {
  const answers = [
    () => {
      throw stopped()
    },
    () => 'served'
  ]
  const { cluster, seen } = await scripted(answers)
  await t.rejects(cluster.query(''), { name: 'RuntimeError' })
  t.equal(await cluster.query(''), 'served')
  t.strictSame(seen, { opened: 2, abandoned: 1 }, 'its open files are given back')
})

t.test('a failed statement is no reason to open it anew', async (t) => {
  const { cluster, seen } = await scripted([
    () => {
      throw new Error('syntax error')
    }
  ])
  await t.rejects(cluster.query(''), { message: 'syntax error' })
  await t.rejects(cluster.query(''), { message: 'syntax error' })
  t.strictSame(seen, { opened: 1, abandoned: 0 })
})

t.test('while it cannot be opened it is unavailable, and not tried at every request', async (t) => {
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

t.test('who comes while it is being opened anew waits for the same one', async (t) => {
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
