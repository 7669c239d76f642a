import { setTimeout as delay } from 'node:timers/promises'
import { Device } from '../processes/device.js'
import type { Fleet, Judgement } from './fleet.js'
import type { Outage } from './outage.js'

export interface HonestReport {
  readonly served: number
  /** 503 by those who were cut off, in the cut and a moment after it. */
  readonly announced: number
  /** Every other answer: none is right. */
  readonly wrong: readonly string[]
  /** How long each check of an access token took, in milliseconds: what the machine was able to do. Sorted. */
  readonly checkTimes: readonly number[]
  /** For those who were cut off, when in the cut they last accepted an honest token, in seconds; null for none. */
  readonly lastAcceptedInTheCut: Readonly<Record<string, number | null>>
}

/** After the feed is whole again, requests that were under way may still be told that it was not. */
const aftermathMilliseconds = 3000

export async function signInHonest({ instances }: Fleet, count: number): Promise<Device[]> {
  const devices = Array.from({ length: count }, (_, i) => new Device(instances[i % 2] ?? instances[0]))
  await Promise.all(devices.map((device, i) => device.signIn('/register', `honest-${i}@example.com`)))
  return devices
}

/** Honest devices that refresh, and show their access tokens to everybody, again and again. */
export class HonestLoad {
  #running = false
  #loops: Promise<void>[] = []
  #served = 0
  #announced = 0
  readonly #wrong: string[] = []
  readonly #checkTimes: number[] = []
  readonly #lastAccepted: Record<string, number | null> = {}

  constructor(
    readonly fleet: Fleet,
    readonly outage: Outage | undefined,
    readonly devices: readonly Device[]
  ) {
    for (const { name, canBeCut } of fleet.guards) if (canBeCut && outage) this.#lastAccepted[name] = null
  }

  start(): void {
    this.#running = true
    this.#loops = this.devices.map((device, i) => this.#goOn(device, i % 2 === 1))
  }

  async stop(): Promise<void> {
    this.#running = false
    await Promise.all(this.#loops)
  }

  report(): HonestReport {
    return {
      served: this.#served,
      announced: this.#announced,
      wrong: this.#wrong,
      checkTimes: this.#checkTimes.sort((a, b) => a - b),
      lastAcceptedInTheCut: this.#lastAccepted
    }
  }

  /** The keys that have signed their access tokens, each with one of those. */
  readonly tokens = new Map<string, string>()

  async #goOn(device: Device, atB: boolean): Promise<void> {
    while (this.#running) {
      const { status, body, retryAfter } = await device.refresh()
      this.#note(
        status === 503 && retryAfter !== null ? 'unavailable' : status === 200 ? 'accepted' : 'refused',
        atB,
        `refresh: ${status} ${JSON.stringify(body)}`
      )
      this.tokens.set(kidOf(device.accessToken), device.accessToken)
      for (const guard of this.fleet.guards) {
        const asked = performance.now()
        const judgement = await guard.judge(device.accessToken)
        this.#checkTimes.push(performance.now() - asked)
        this.#note(judgement, guard.canBeCut, `${guard.name}: ${judgement}`)
        if (judgement === 'accepted' && guard.canBeCut && this.outage?.isCut)
          this.#lastAccepted[guard.name] = (performance.now() - this.outage.cutAt) / 1000
      }
      await delay(20)
    }
  }

  #note(judgement: Judgement, canBeCut: boolean, what: string): void {
    if (judgement === 'accepted') this.#served += 1
    else if (judgement === 'unavailable' && canBeCut && this.#isOutage()) this.#announced += 1
    else this.#wrong.push(what)
  }

  #isOutage(): boolean {
    if (this.outage === undefined) return false
    const { isCut, mendedAt } = this.outage
    return isCut || (mendedAt !== undefined && performance.now() - mendedAt < aftermathMilliseconds)
  }
}

/** Which key has signed the token. */
export function kidOf(accessToken: string): string {
  return JSON.parse(Buffer.from(accessToken.split('.')[0] ?? '', 'base64url').toString()).kid
}
