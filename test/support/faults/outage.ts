import { setTimeout as delay } from 'node:timers/promises'
import type { Fleet } from './fleet.js'

/** The feed of those who can be cut off, cut for a while. */
export class Outage {
  cutAt = Number.POSITIVE_INFINITY
  mendedAt: number | undefined
  #over: Promise<void> | undefined

  constructor(readonly fleet: Fleet) {}

  get isCut(): boolean {
    return this.#over !== undefined && this.mendedAt === undefined
  }

  /** The last moment at which it was known to be cut; 0 where it never was. */
  get lastCut(): number {
    return this.mendedAt ?? (this.isCut ? performance.now() : 0)
  }

  begin(seconds: number): void {
    this.fleet.cut()
    this.cutAt = performance.now()
    this.#over = delay(seconds * 1000).then(() => {
      this.fleet.mend()
      this.mendedAt = performance.now()
    })
  }

  /** Resolves when it is not cut, or not cut any more. */
  async over(): Promise<void> {
    await this.#over
  }
}
