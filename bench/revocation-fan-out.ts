import { serverUrl, testSchema } from '../test/support/database.js'
import { type FanOutOptions, type FanOutReport, quantile, runFanOut } from '../test/support/faults/fan-out.js'
import { type FleetOptions, startFleet } from '../test/support/faults/fleet.js'

/**
 * How long an ended session is still accepted. Two instances share the PostgreSQL server of TEST_DATABASE_URL, and two
 * services run a verifier. Under load, sessions are ended through either instance, and the time is taken until the last
 * of the four refuses the access token. Then the same with the feed cut in the middle, and with Redis if TEST_REDIS_URL
 * is set.
 *
 *   node build/bench/revocation-fan-out.js [sessions] [seed] [only this run, 1 to 5]
 */
const sessions = Number(process.argv[2] ?? 1000)
const seed = Number(process.argv[3] ?? 1)
if (serverUrl === undefined) throw new Error('Set TEST_DATABASE_URL.')
const only = process.argv[4] === undefined ? undefined : Number(process.argv[4])
const redisUrl = process.env.TEST_REDIS_URL

async function measure(name: string, fleetOptions: FleetOptions, cutSeconds?: FanOutOptions['cutSeconds']) {
  const endings: (() => unknown)[] = []
  try {
    const t = { teardown: (end: () => unknown) => void endings.unshift(end) }
    const fleet = await startFleet(t, await testSchema(t), fleetOptions)
    print(name, await runFanOut(fleet, { seed, sessions, perSecond: 20, honest: 4, cutSeconds }))
  } finally {
    for (const end of endings) await end()
  }
}

function print(name: string, { ended, endedDuringCut, times, acceptedLate, honest }: FanOutReport): void {
  const spread = (sorted: readonly number[]) =>
    `p50 ${quantile(sorted, 0.5).toFixed(0)} ms, p99 ${quantile(sorted, 0.99).toFixed(0)} ms, longest ${quantile(sorted, 1).toFixed(0)} ms`
  console.log(`${name}
  ended by owner ${ended.owner}, admin ${ended.admin}, logout ${ended.logout}; ${endedDuringCut} while the feed was cut
  the last of the four refused after ${spread(times)}
  a check of a good token meanwhile: ${spread(honest.checkTimes)}
  accepted after a second: ${acceptedLate.length}${acceptedLate.map((what) => `\n    ${what}`).join('')}
  honest requests: ${honest.served} served, ${honest.unavailable} answered 503 in the cut, ${honest.wrong.length} refused${honest.wrong.map((what) => `\n    ${what}`).join('')}`)
  for (const [who, last] of Object.entries(honest.lastAcceptedDuringCut))
    console.log(
      `  cut off, ${who} last accepted an honest token after ${last === null ? 'no time' : `${last.toFixed(1)} s`}`
    )
}

const runs = [
  () => measure('LISTEN/NOTIFY', {}),
  () => measure('LISTEN/NOTIFY, cut for 10 s', {}, 10),
  () => measure('LISTEN/NOTIFY, cut for 20 s, FEED_STALE=deny', { feedStale: 'deny' }, 20),
  () => measure('Redis', { redisUrl }),
  () => measure('Redis, cut for 10 s', { redisUrl }, 10)
]
const possible = redisUrl === undefined ? runs.slice(0, 3) : runs
for (const run of only === undefined ? possible : possible.slice(only - 1, only)) await run()
