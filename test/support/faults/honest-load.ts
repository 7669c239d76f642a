import { setTimeout as delay } from 'node:timers/promises'
import { Device } from '../processes/device.js'
import type { Fleet, Judgement } from './fleet.js'
import type { Outage } from './outage.js'

export interface HonestReport {
  readonly served: number
  /** Answers 503 of guards that are cut off, during the cut and shortly after it. */
  readonly unavailable: number
  /** All other answers. Each is an error. */
  readonly wrong: readonly string[]
  /** How long each check of an access token took, in milliseconds, sorted. Shows how busy the machine was. */
  readonly checkTimes: readonly number[]
  /** For each guard that is cut off: how many seconds into the cut it last accepted a token; null if it never did. */
  readonly lastAcceptedDuringCut: Readonly<Record<string, number | null>>
}

/** For this long after a cut, requests that began during it may still be answered with 503. */
const aftermathMilliseconds = 3000

export async function signInDevices({ instances }: Fleet, count: number): Promise<Device[]> {
  const devices = Array.from({ length: count }, (_, i) => new Device(instances[i % 2] ?? instances[0]))
  await Promise.all(devices.map((device, i) => device.signIn('/register', `honest-${i}@example.com`)))
  return devices
}

/** Devices that nobody revokes. They refresh repeatedly, and present each access token to every guard. */
export class HonestLoad {
  #running = false
  #loops: Promise<void>[] = []
  #served = 0
  #unavailable = 0
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
    this.#loops = this.devices.map((device, i) => this.#useRepeatedly(device, i % 2 === 1))
  }

  async stop(): Promise<void> {
    this.#running = false
    await Promise.all(this.#loops)
  }

  report(): HonestReport {
    return {
      served: this.#served,
      unavailable: this.#unavailable,
      wrong: this.#wrong,
      checkTimes: this.#checkTimes.sort((a, b) => a - b),
      lastAcceptedDuringCut: this.#lastAccepted
    }
  }

  /** One access token for each `kid` that has signed one. */
  readonly tokens = new Map<string, string>()

  async #useRepeatedly(device: Device, atB: boolean): Promise<void> {
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
    else if (judgement === 'unavailable' && canBeCut && this.#isOutage()) this.#unavailable += 1
    else this.#wrong.push(what)
  }

  #isOutage(): boolean {
    if (this.outage === undefined) return false
    const { isCut, restoredAt } = this.outage
    return isCut || (restoredAt !== undefined && performance.now() - restoredAt < aftermathMilliseconds)
  }
}

/** The `kid` of the key that signed the token. */
export function kidOf(accessToken: string): string {
  return JSON.parse(Buffer.from(accessToken.split('.')[0] ?? '', 'base64url').toString()).kid
}
