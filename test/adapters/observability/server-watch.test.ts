import { Registry } from 'prom-client'
import t from 'tap'
import { watchServer } from '../../../src/adapters/observability/server-watch.js'
import { Unavailable } from '../../../src/ports/errors.js'

/** A watch with a clock that the test moves, its lines, and its samples. */
function watched(lostAfterMilliseconds: number) {
  const clock = { milliseconds: 0 }
  const lines: (readonly [level: string, fields: object, message: string])[] = []
  const log = (level: string) => (fields: object, message: string) => void lines.push([level, fields, message])
  const watch = watchServer({
    name: 'redis',
    log: { debug: log('debug'), info: log('info'), warn: log('warn') },
    lostAfterMilliseconds,
    messages: { lost: 'lost', back: 'back' },
    monotonic: () => clock.milliseconds
  })
  const registry = new Registry()
  for (const metric of watch.metrics) registry.registerMetric(metric)
  const sample = async (name: string) =>
    Number(new RegExp(`^latchkey_redis_${name} (.*)$`, 'm').exec(await registry.metrics())?.[1])
  return { watch, clock, lines, sample }
}

/** The error of ioredis for a wrong password: it carries the command, and with it the password. */
const wrongPassword = Object.assign(new Error('WRONGPASS invalid username-password pair'), {
  command: { name: 'auth', args: ['hunter2'] }
})

t.test('a server that fails many times is one line when it is lost and one when it is back', async (t) => {
  const { watch, clock, lines, sample } = watched(0)
  watch.served()
  for (clock.milliseconds = 1000; clock.milliseconds < 31_000; clock.milliseconds += 1000) watch.failed(wrongPassword)
  t.equal(await sample('up'), 0)
  t.equal(await sample('failures_total'), 30)
  for (let i = 0; i < 10; i++) watch.served()
  t.equal(await sample('up'), 1)
  t.strictSame(lines, [
    ['warn', { reason: 'WRONGPASS invalid username-password pair' }, 'lost'],
    ['info', { seconds: 30 }, 'back']
  ])
})

t.test('failures between successes do not mean that the server is lost', async (t) => {
  const { watch, clock, lines, sample } = watched(1000)
  const conflict = new Unavailable('The database cannot serve now.', 1, { cause: new Error('deadlock detected') })
  for (clock.milliseconds = 0; clock.milliseconds < 10_000; clock.milliseconds += 999) {
    watch.failed(conflict)
    watch.served()
  }
  watch.failed(conflict)
  clock.milliseconds += 999
  watch.failed(conflict)
  t.equal(await sample('up'), 1)
  t.strictSame(lines, [])
  clock.milliseconds += 1
  watch.failed(conflict)
  t.equal(await sample('up'), 0)
  t.strictSame(lines, [['warn', { reason: 'The database cannot serve now. deadlock detected' }, 'lost']])
})

t.test('operations are timed, also those that fail', async (t) => {
  const { watch, clock, sample } = watched(0)
  const lasting = (milliseconds: number) => async () => {
    clock.milliseconds += milliseconds
    if (milliseconds > 1000) throw new Error('too late')
    return milliseconds
  }
  t.equal(await watch.time(lasting(4)), 4)
  await t.rejects(watch.time(lasting(2000)), { message: 'too late' })
  t.equal(await sample('operation_duration_seconds_count'), 2)
  t.equal(await sample('operation_duration_seconds_sum'), 2.004)
  t.equal(await sample('operation_duration_seconds_bucket{le="0.005"}'), 1)
})
