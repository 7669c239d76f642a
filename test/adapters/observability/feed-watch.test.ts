import t from 'tap'
import { watchFeed } from '../../../src/adapters/observability/feed-watch.js'

const polling = { connected: false, stale: false }
const connected = { connected: true, stale: false }
const stale = { connected: false, stale: true }

t.test('a feed that is lost, then stale, then back, is one line for each', async (t) => {
  let state = polling
  const lines: (readonly [level: string, message: string])[] = []
  const log = (level: string) => (_fields: object, message: string) => void lines.push([level, message])
  const { check, stop } = watchFeed(
    { state: () => ({ ...state, lagSeconds: 3, size: 0, resets: 0, restored: 0 }) },
    { debug: log('debug'), info: log('info'), warn: log('warn') }
  )
  t.teardown(stop)
  const times = (count: number, next: typeof state) => {
    state = next
    for (let i = 0; i < count; i++) check()
  }

  times(1, polling)
  times(3, connected)
  t.strictSame(lines, [], 'it connects shortly after the start')
  times(1, polling)
  times(3, connected)
  t.strictSame(lines, [], 'a connection that was replaced at once is not a line')
  times(30, polling)
  times(30, stale)
  times(30, connected)
  t.strictSame(lines, [
    ['warn', 'The feed is lost: no notices of revocations arrive, the log is polled'],
    ['warn', 'The feed is stale: revocations of other instances are not known'],
    ['info', 'The feed is back: notices of revocations arrive']
  ])
})
