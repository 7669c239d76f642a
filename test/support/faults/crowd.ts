import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { EventsPage } from '../../../src/http/schemas/admin/events.js'
import { type Answer, Device, password, read } from '../processes/device.js'

export const adminSettings = { ADMIN_EMAIL: 'ops@example.com', ADMIN_PASSWORD: password } as const

/** What a crowd was answered. */
export interface Tally {
  served: number
  /** 503 with `Retry-After`: announced, and tried again. */
  announced: number
  /** How long the slowest of those took. */
  slowestAnnounced: number
  /** Connections that broke or could not be made. */
  broken: number
  /** Anything else: none is right. */
  readonly wrong: Answer[]
}

/** Devices of one user that refresh again and again. */
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
    this.#loops = this.devices.map((device) => this.#goOn(device))
  }

  async stop(): Promise<Tally> {
    this.#running = false
    await Promise.all(this.#loops)
    return this.tally
  }

  /** Waits until so many more have been served. Rejects after a minute. */
  async served(more: number): Promise<void> {
    const enough = this.tally.served + more
    await until(async () => this.tally.served >= enough)
  }

  async #goOn(device: Device): Promise<void> {
    while (this.#running) {
      await refreshInto(this.tally, device)
      // A breath, as every client takes: a loop without one would only measure itself.
      await delay(20)
    }
  }
}

function newTally(): Tally {
  return { served: 0, announced: 0, slowestAnnounced: 0, broken: 0, wrong: [] }
}

async function refreshInto(tally: Tally, device: Device): Promise<void> {
  const asked = performance.now()
  try {
    const answer = await device.refresh()
    if (answer.status === 200) tally.served += 1
    else if (answer.status === 503 && answer.retryAfter !== null) {
      tally.announced += 1
      tally.slowestAnnounced = Math.max(tally.slowestAnnounced, performance.now() - asked)
    } else tally.wrong.push(answer)
  } catch (error) {
    // What fetch throws where a connection breaks.
    if (!(error instanceof TypeError)) throw error
    tally.broken += 1
  }
}

/** Polls for at most a minute. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 60_000; performance.now() < deadline; ) {
    if (await condition()) return
    await delay(50)
  }
  throw new Error('It has not come to pass within a minute.')
}

export const status = async (url: string) => (await fetch(url)).status

/** Every device goes on with what it has, and no session of anybody has ended, or been forgiven. */
export async function expectNobodySignedOut(t: Test, { devices }: Crowd): Promise<void> {
  const answers = await Promise.all(devices.map((device) => device.refresh()))
  t.strictSame([...new Set(answers.map(({ status }) => status))], [200], 'every device refreshes')
  const ops = new Device(devices[0]?.url ?? '')
  await ops.signIn('/login', adminSettings.ADMIN_EMAIL)
  const { events } = read(EventsPage, await ops.send('GET', '/admin/events?limit=200'))
  const ended = events.filter(({ type }) => type === 'session_ended' || type === 'refresh_recovered')
  t.strictSame(ended, [], 'no session has ended, none was forgiven')
}
