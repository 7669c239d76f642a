import t from 'tap'
import { readyUntil, sharedReadiness } from '../../../src/adapters/observability/readiness.js'

/** A probe that ends when the test says so, behind `sharedReadiness`, with a stopped clock. */
function slowProbe(patienceMilliseconds?: number) {
  const ends: { readonly succeed: () => void; readonly fail: (error: Error) => void }[] = []
  const clock = { at: 0, now: () => clock.at }
  const lines: unknown[] = []
  const line = (level: string) => (fields: object, message: string) => void lines.push({ level, ...fields, message })
  const log = { debug: line('debug'), info: line('info'), warn: line('warn') }
  const probe = () => new Promise<void>((succeed, fail) => ends.push({ succeed, fail }))
  return { ends, clock, lines, ready: sharedReadiness(probe, { clock, log, patienceMilliseconds }) }
}

t.test('a probe that takes longer than a second is shared until it ends, and not after', async (t) => {
  const { ends, clock, ready } = slowProbe()
  const waiting = [ready(), ready()]
  clock.at = 1500
  waiting.push(ready())
  t.equal(ends.length, 1)
  ends[0]?.succeed()
  await Promise.all(waiting)
  void ready()
  t.equal(ends.length, 2)
})

t.test('a probe that does not end fails in time, and no other one is started meanwhile', async (t) => {
  const { ends, clock, ready } = slowProbe(10)
  await t.rejects(ready(), { name: 'Unavailable', message: 'The check was not done within 0.01 s.' })
  clock.at = 60_000
  await t.rejects(ready(), { name: 'Unavailable' })
  t.equal(ends.length, 1)
  ends[0]?.succeed()
  await new Promise(setImmediate)
  const next = ready()
  ends[1]?.succeed()
  await t.resolves(next, 'a late success counts for no request')
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

t.test('the log has one line when probes begin to fail, and one when they succeed again', async (t) => {
  const { ends, clock, lines, ready } = slowProbe()
  for (const outcome of ['succeed', 'fail', 'fail', 'succeed', 'succeed'] as const) {
    const result = ready()
    ends.at(-1)?.[outcome](new Error('away'))
    await result.catch(() => undefined)
    await t.resolves(Promise.allSettled(Array.from({ length: 100 }, ready)))
    clock.at += 5000
  }
  t.strictSame(lines, [
    { level: 'warn', reason: 'away', message: 'This instance is not ready: /readyz answers 503' },
    { level: 'info', seconds: 10, message: 'This instance is ready again: /readyz answers 200' }
  ])
})

t.test('a service that is about to stop is not ready, and asks nobody', async (t) => {
  const leaving = new AbortController()
  let probes = 0
  const ready = readyUntil(leaving.signal, async () => {
    probes += 1
  })
  await t.resolves(ready())
  leaving.abort()
  await t.rejects(ready(), { name: 'Unavailable', message: 'The service is about to stop.' })
  t.equal(probes, 1)
})
