import { setTimeout as delay } from 'node:timers/promises'
import type { Fleet } from './fleet.js'

/** Cuts a fleet's relays for a while. */
export class Outage {
  cutAt = Number.POSITIVE_INFINITY
  restoredAt: number | undefined
  #over: Promise<void> | undefined

  constructor(readonly fleet: Fleet) {}

  get isCut(): boolean {
    return this.#over !== undefined && this.restoredAt === undefined
  }

  /** When the relays were last cut: now, during the cut; 0 if they never were. */
  get lastCut(): number {
    return this.restoredAt ?? (this.isCut ? performance.now() : 0)
  }

  begin(seconds: number): void {
    this.fleet.cut()
    this.cutAt = performance.now()
    this.#over = delay(seconds * 1000).then(() => {
      this.fleet.restore()
      this.restoredAt = performance.now()
    })
  }

  /** Resolves when the relays are not cut. */
  async over(): Promise<void> {
    await this.#over
  }
}
