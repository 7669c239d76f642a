import t from 'tap'
import { onceASecond } from '../../../src/adapters/observability/readiness.js'

/** A probe that ends when the test says so, behind `onceASecond`, with a stopped clock. */
function slowProbe() {
  const ends: { readonly succeed: () => void; readonly fail: (error: Error) => void }[] = []
  const clock = { at: 0, now: () => clock.at }
  const probe = () => new Promise<void>((succeed, fail) => ends.push({ succeed, fail }))
  return { ends, clock, ready: onceASecond(probe, clock) }
}

t.test('a probe that takes longer than a second is shared until it ends, and not after', async (t) => {
  const { ends, clock, ready } = slowProbe()
  const waiting = [ready(), ready()]
  clock.at = 5000
  waiting.push(ready())
  t.equal(ends.length, 1)
  ends[0]?.succeed()
  await Promise.all(waiting)
  void ready()
  t.equal(ends.length, 2)
})

t.test('a probe that fails is shared by all callers for less than a second', async (t) => {
  const { ends, clock, ready } = slowProbe()
  const waiting = [ready(), ready()]
  ends[0]?.fail(new Error('away'))
  for (const result of waiting) await t.rejects(result, { message: 'away' })
  clock.at = 999
  await t.rejects(ready(), { message: 'away' })
  clock.at = 1000
  const next = ready()
  ends[1]?.succeed()
  await t.resolves(next)
  t.equal(ends.length, 2)
})

t.test('a result is not used again after the clock was set back', async (t) => {
  const { ends, clock, ready } = slowProbe()
  clock.at = 3_600_000
  const first = ready()
  ends[0]?.succeed()
  await first
  clock.at = 0
  void ready()
  t.equal(ends.length, 2)
})
