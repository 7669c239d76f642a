import { setTimeout as delay } from 'node:timers/promises'
import { seededRandom } from '../../../src/race-kit/random.js'
import { Device } from '../processes/device.js'
import type { Fleet, Guard } from './fleet.js'
import { adminEmail } from './fleet-settings.js'
import { HonestLoad, type HonestReport, signInHonest } from './honest-load.js'
import { Outage } from './outage.js'

/** Sessions are ended at random under load, and each is watched until nobody accepts its access token any more. */

export interface FanOutOptions {
  readonly seed: number
  readonly sessions: number
  /** How many are ended in a second. */
  readonly perSecond: number
  /** Devices that nobody ends, and that must not notice. */
  readonly honest: number
  /** Cuts the feed in the middle for so long. */
  readonly cutSeconds?: number | undefined
}

export interface FanOutReport {
  /** By who ended them. */
  readonly ended: Readonly<Record<Way, number>>
  /** How many of them were ended while the feed was cut. */
  readonly endedInTheCut: number
  /**
   * For each session, in milliseconds, how long after its end was answered, or the feed was whole
   * again where that was later, the last of the four refused it. Sorted.
   */
  readonly times: readonly number[]
  /** Sessions that somebody accepted more than a second after that. */
  readonly acceptedLate: readonly string[]
  readonly honest: HonestReport
}

const ways = ['owner', 'admin', 'logout'] as const
type Way = (typeof ways)[number]

interface Doomed {
  readonly device: Device
  readonly owner: Device
}

export async function runFanOut(fleet: Fleet, options: FanOutOptions): Promise<FanOutReport> {
  const { seed, sessions, perSecond, cutSeconds } = options
  const random = seededRandom(seed)
  const outage = cutSeconds === undefined ? undefined : new Outage(fleet)
  const admin = new Device(fleet.instances[0])
  await admin.signIn('/login', adminEmail)
  const doomed = await signInDoomed(fleet, sessions)
  const load = new HonestLoad(fleet, outage, await signInHonest(fleet, options.honest))

  const ended: Record<Way, number> = { owner: 0, admin: 0, logout: 0 }
  const times: number[] = []
  const acceptedLate: string[] = []
  let endedInTheCut = 0
  const watches: Promise<void>[] = []

  async function endAndWatch(session: Doomed): Promise<void> {
    const { accessToken, sessionId } = session.device
    // Each has accepted it before, so that what it remembers of it must be forgotten.
    for (const { name, canBeCut, judge } of fleet.guards) {
      if (outage?.isCut && canBeCut) continue
      const before = await judge(accessToken)
      if (before === 'refused') throw new Error(`${name} refuses a session that lives.`)
    }
    const way = random.pick(ways)
    await end(way, session, admin, random.pick(fleet.instances), fleet.instances[0])
    ended[way] += 1
    const answered = performance.now()
    if (outage?.isCut) endedInTheCut += 1
    const taken = await Promise.all(
      fleet.guards.map(async (guard) => {
        if (guard.canBeCut) await outage?.over()
        // It may also be cut between the end and the news of it.
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
      // One that fails is told of when all are waited for.
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
  return { ended, endedInTheCut, times: times.sort((a, b) => a - b), acceptedLate, honest }
}

/** Asks until it is refused; `milliseconds` is how long after `from` that was. Rejects after half a minute. */
export async function refusedAfter({ judge }: Guard, accessToken: string, from: () => number) {
  let acceptedLate = false
  for (;;) {
    const judgement = await judge(accessToken)
    const milliseconds = performance.now() - from()
    if (judgement === 'refused') return { milliseconds, acceptedLate }
    if (judgement === 'accepted' && milliseconds > 1000) acceptedLate = true
    if (milliseconds > 30_000) throw new Error('It was not refused within half a minute.')
    await delay(5)
  }
}

/** Through `url`, or where that cannot serve, as a person would try again, through `other`. */
async function end(way: Way, { device, owner }: Doomed, admin: Device, url: string, other: string): Promise<void> {
  const requests = {
    owner: { as: owner, method: 'DELETE', path: `/sessions/${device.sessionId}` },
    admin: { as: admin, method: 'DELETE', path: `/admin/sessions/${device.sessionId}` },
    logout: { as: device, method: 'POST', path: '/logout' }
  } as const
  const { as, method, path } = requests[way]
  for (const [attempt, at] of [url, other].entries()) {
    const { status, body } = await Object.assign(new Device(at), { accessToken: as.accessToken }).send(method, path)
    // Where the answer to the first attempt was lost, the session may have ended by it.
    if (status === 204 || (status === 404 && attempt > 0)) return
    if (status !== 503) throw new Error(`Ending a session answered ${status}: ${JSON.stringify(body)}`)
  }
  throw new Error('Nobody could end the session.')
}

/** People with ten sessions each, and one more by which they end them. */
async function signInDoomed({ instances }: Fleet, count: number): Promise<Doomed[]> {
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
  const doomed: Doomed[] = []
  while (perPerson.length > 0)
    doomed.push(...(await Promise.all(perPerson.splice(0, 8).map((signIn) => signIn()))).flat())
  return doomed
}

/** The value below which `share` of `sorted` lie. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
