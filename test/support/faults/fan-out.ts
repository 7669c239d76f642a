import { setTimeout as delay } from 'node:timers/promises'
import { seededRandom } from '../../../src/race-kit/plan/random.js'
import { Device } from '../processes/device.js'
import type { Fleet, Guard } from './fleet.js'
import { adminEmail } from './fleet-settings.js'
import { HonestLoad, type HonestReport, signInDevices } from './honest-load.js'
import { Outage } from './outage.js'

/** Ends sessions at random under load, and watches each until every guard refuses its access token. */

export interface FanOutOptions {
  readonly seed: number
  readonly sessions: number
  /** How many sessions are ended each second. */
  readonly perSecond: number
  /** How many devices use the service meanwhile. Nobody revokes them, and all their requests must succeed. */
  readonly honest: number
  /** How long the feed is cut in the middle of the run; not at all by default. */
  readonly cutSeconds?: number | undefined
}

export interface FanOutReport {
  /** How many sessions were ended in each way. */
  readonly ended: Readonly<Record<Way, number>>
  /** How many sessions were ended while the feed was cut. */
  readonly endedDuringCut: number
  /**
   * For each session, how many milliseconds after its end (or after the end of the cut, if later) the last guard
   * refused it, sorted.
   */
  readonly times: readonly number[]
  /** Sessions that a guard still accepted more than a second after that. */
  readonly acceptedLate: readonly string[]
  readonly honest: HonestReport
}

const ways = ['owner', 'admin', 'logout'] as const
type Way = (typeof ways)[number]

interface SessionToEnd {
  readonly device: Device
  readonly owner: Device
}

export async function runFanOut(fleet: Fleet, options: FanOutOptions): Promise<FanOutReport> {
  const { seed, sessions, perSecond, cutSeconds } = options
  const random = seededRandom(seed)
  const outage = cutSeconds === undefined ? undefined : new Outage(fleet)
  const admin = new Device(fleet.instances[0])
  await admin.signIn('/login', adminEmail)
  const doomed = await signInSessionsToEnd(fleet, sessions)
  const load = new HonestLoad(fleet, outage, await signInDevices(fleet, options.honest))

  const ended: Record<Way, number> = { owner: 0, admin: 0, logout: 0 }
  const times: number[] = []
  const acceptedLate: string[] = []
  let endedDuringCut = 0
  const watches: Promise<void>[] = []

  async function endAndWatch(session: SessionToEnd): Promise<void> {
    const { accessToken, sessionId } = session.device
    // Every guard accepts the token first, so that its cached answer must be dropped.
    for (const { name, canBeCut, judge } of fleet.guards) {
      if (outage?.isCut && canBeCut) continue
      const before = await judge(accessToken)
      if (before === 'refused') throw new Error(`${name} refuses a live session.`)
    }
    const way = random.pick(ways)
    await end(way, session, admin, random.pick(fleet.instances), fleet.instances[0])
    ended[way] += 1
    const answered = performance.now()
    if (outage?.isCut) endedDuringCut += 1
    const taken = await Promise.all(
      fleet.guards.map(async (guard) => {
        if (guard.canBeCut) await outage?.over()
        // The cut may also begin between the end and its notice.
        const from = () => Math.max(answered, guard.canBeCut ? (outage?.lastCut ?? 0) : 0)
        const refused = await refusedAfter(guard, accessToken, from)
        if (refused.acceptedLate) acceptedLate.push(`${sessionId} by ${guard.name}`)
        return refused.milliseconds
      })
    )
    times.push(Math.max(...taken))
  }

  async function endAll(): Promise<void> {
    const begun = performance.now()
    for (const [i, session] of doomed.entries()) {
      if (i === Math.floor(sessions / 2)) outage?.begin(cutSeconds ?? 0)
      await delay(Math.max(0, begun + (i * 1000) / perSecond - performance.now()))
      const watch = endAndWatch(session)
      // `Promise.all` below reports a failure.
      watch.catch(() => undefined)
      watches.push(watch)
    }
    await outage?.over()
    await Promise.all(watches)
    await delay(500)
  }

  load.start()
  await endAll().finally(() => load.stop())
  const honest = load.report()
  return { ended, endedDuringCut, times: times.sort((a, b) => a - b), acceptedLate, honest }
}

/** Asks the guard until it refuses the token, `milliseconds` after `from`. Rejects after half a minute. */
export async function refusedAfter({ judge }: Guard, accessToken: string, from: () => number) {
  let acceptedLate = false
  for (;;) {
    const judgement = await judge(accessToken)
    const milliseconds = performance.now() - from()
    if (judgement === 'refused') return { milliseconds, acceptedLate }
    if (judgement === 'accepted' && milliseconds > 1000) acceptedLate = true
    if (milliseconds > 30_000) throw new Error('The token was not refused within half a minute.')
    await delay(5)
  }
}

/** Ends a session through the instance at `url`, or through `other` if that cannot serve, as a person would retry. */
async function end(
  way: Way,
  { device, owner }: SessionToEnd,
  admin: Device,
  url: string,
  other: string
): Promise<void> {
  const requests = {
    owner: { as: owner, method: 'DELETE', path: `/sessions/${device.sessionId}` },
    admin: { as: admin, method: 'DELETE', path: `/admin/sessions/${device.sessionId}` },
    logout: { as: device, method: 'POST', path: '/logout' }
  } as const
  const { as, method, path } = requests[way]
  for (const [attempt, at] of [url, other].entries()) {
    const { status, body } = await Object.assign(new Device(at), { accessToken: as.accessToken }).send(method, path)
    // If the answer to the first attempt was lost, that attempt may have ended the session.
    if (status === 204 || (status === 404 && attempt > 0)) return
    if (status !== 503) throw new Error(`Ending a session answered ${status}: ${JSON.stringify(body)}`)
  }
  throw new Error('Neither instance could end the session.')
}

/** Signs in people with ten sessions each, and one more session with which they end the others. */
async function signInSessionsToEnd({ instances }: Fleet, count: number): Promise<SessionToEnd[]> {
  const people = Array.from({ length: Math.ceil(count / 10) }, (_, i) => `person-${i}@example.com`)
  const perPerson = people.map((email, person) => async () => {
    const owner = new Device(instances[person % 2] ?? instances[0])
    await owner.signIn('/register', email)
    const devices = Array.from({ length: Math.min(10, count - person * 10) }, (_, i) => {
      return new Device(instances[(person + i) % 2] ?? instances[0])
    })
    for (const device of devices) await device.signIn('/login', email)
    return devices.map((device) => ({ device, owner }))
  })
  const doomed: SessionToEnd[] = []
  while (perPerson.length > 0)
    doomed.push(...(await Promise.all(perPerson.splice(0, 8).map((signIn) => signIn()))).flat())
  return doomed
}

/** The value below which a `share` (0 to 1) of the sorted values lies. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
