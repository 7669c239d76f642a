import t from 'tap'
import { loggedReadiness, onceASecond, readyUntil } from '../../../src/adapters/observability/readiness.js'
import { Unavailable } from '../../../src/ports/errors.js'

/** A probe that ends, or takes too long, when the test says so, behind `onceASecond`, with a stopped clock. */
function slowProbe() {
  const ends: { readonly succeed: () => void; readonly fail: (error: Error) => void }[] = []
  const limits: (() => void)[] = []
  const clock = { at: 0, now: () => clock.at }
  const probe = () => new Promise<void>((succeed, fail) => ends.push({ succeed, fail }))
  const timeLimit = () => new Promise<void>((reach) => limits.push(reach))
  return { ends, limits, clock, ready: onceASecond(probe, { clock, timeLimit }) }
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

t.test('a probe that takes too long has failed for all callers, and no second one begins beside it', async (t) => {
  const { ends, limits, clock, ready } = slowProbe()
  const waiting = [ready(), ready()]
  limits[0]?.()
  for (const result of waiting) await t.rejects(result, Unavailable)
  clock.at = 5000
  await t.rejects(ready(), Unavailable)
  t.equal(ends.length, 1)
  ends[0]?.fail(new Error('given up'))
  await t.rejects(ready(), Unavailable)
  const next = ready()
  t.equal(ends.length, 2)
  ends[1]?.succeed()
  await t.resolves(next)
})

t.test('a flood of failing probes is one line, and the first success another', async (t) => {
  const lines: unknown[] = []
  const keep = (level: string) => (fields: object, message: string) => void lines.push([level, fields, message])
  const log = { debug: keep('debug'), info: keep('info'), warn: keep('warn') }
  let now = 0
  let fault: Error | undefined
  const ready = loggedReadiness(
    async () => {
      if (fault !== undefined) throw fault
    },
    log,
    () => now
  )
  const flood = () => Promise.allSettled(Array.from({ length: 100 }, ready))
  await flood()
  t.strictSame(lines, [])
  fault = new Unavailable('The database accepts no writes now.')
  await flood()
  now = 7000
  await flood()
  const lost = ['warn', { reason: fault.message }, 'This instance is not ready: /readyz answers 503']
  t.strictSame(lines, [lost])
  fault = undefined
  await flood()
  t.strictSame(lines, [lost, ['info', { seconds: 7 }, 'This instance is ready again']])
})

t.test('an instance that stops is not ready, whatever its database says', async (t) => {
  const stopping = new AbortController()
  let probes = 0
  const ready = readyUntil(stopping.signal, async () => {
    probes += 1
  })
  await ready()
  stopping.abort()
  await t.rejects(ready(), Unavailable)
  t.equal(probes, 1)
})
