import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { EventsPage } from '../../../src/http/schemas/admin/events.js'
import { type Answer, Device, password, read } from '../processes/device.js'

export const adminSettings = { ADMIN_EMAIL: 'ops@example.com', ADMIN_PASSWORD: password } as const

/** Counts of the answers to a crowd. */
export interface Tally {
  served: number
  /** Answers 503 with `Retry-After`, after which the device retries. */
  unavailable: number
  /** How long the slowest of these answers took, in milliseconds. */
  slowestUnavailable: number
  /** Connections that broke or could not be opened. */
  broken: number
  /** All other answers. Each is an error. */
  readonly wrong: Answer[]
}

/** Devices of one user that refresh repeatedly. */
export class Crowd {
  tally: Tally = newTally()
  #running = false
  #loops: Promise<unknown>[] = []

  private constructor(readonly devices: readonly Device[]) {}

  static async signIn(urls: readonly string[], size: number, email = 'ada@example.com'): Promise<Crowd> {
    const devices = Array.from({ length: size }, (_, i) => new Device(urls[i % urls.length] ?? ''))
    const [first, ...others] = devices
    await first?.signIn('/register', email)
    await Promise.all(others.map((device) => device.signIn('/login', email)))
    return new Crowd(devices)
  }

  start(): void {
    this.tally = newTally()
    this.#running = true
    this.#loops = this.devices.map((device) => this.#refreshRepeatedly(device))
  }

  async stop(): Promise<Tally> {
    this.#running = false
    await Promise.all(this.#loops)
    return this.tally
  }

  /** Resolves when `more` further refreshes have succeeded. Rejects after a minute. */
  async served(more: number): Promise<void> {
    const enough = this.tally.served + more
    await until(async () => this.tally.served >= enough)
  }

  async #refreshRepeatedly(device: Device): Promise<void> {
    while (this.#running) {
      await refreshInto(this.tally, device)
      // Clients pause between refreshes. Without a pause, this loop would only measure itself.
      await delay(20)
    }
  }
}

function newTally(): Tally {
  return { served: 0, unavailable: 0, slowestUnavailable: 0, broken: 0, wrong: [] }
}

async function refreshInto(tally: Tally, device: Device): Promise<void> {
  const asked = performance.now()
  try {
    const answer = await device.refresh()
    if (answer.status === 200) tally.served += 1
    else if (answer.status === 503 && answer.retryAfter !== null) {
      tally.unavailable += 1
      tally.slowestUnavailable = Math.max(tally.slowestUnavailable, performance.now() - asked)
    } else tally.wrong.push(answer)
  } catch (error) {
    // `fetch` throws a TypeError if a connection breaks.
    if (!(error instanceof TypeError)) throw error
    tally.broken += 1
  }
}

/** Polls `condition` until it is true. Rejects after a minute. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 60_000; performance.now() < deadline; ) {
    if (await condition()) return
    await delay(50)
  }
  throw new Error('The condition was not true within a minute.')
}

export const status = async (url: string) => (await fetch(url)).status

/** Checks that every device can refresh, and that no session has ended or needed a recovery without its key. */
export async function expectNobodySignedOut(t: Test, { devices }: Crowd): Promise<void> {
  const answers = await Promise.all(devices.map((device) => device.refresh()))
  t.strictSame([...new Set(answers.map(({ status }) => status))], [200], 'every device refreshes')
  const ops = new Device(devices[0]?.url ?? '')
  await ops.signIn('/login', adminSettings.ADMIN_EMAIL)
  const { events } = read(EventsPage, await ops.send('GET', '/admin/events?limit=200'))
  const ended = events.filter(({ type, reason }) => type === 'session_ended' || reason === 'recovery')
  t.strictSame(ended, [], 'no session has ended or was recovered')
}
