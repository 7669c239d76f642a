export interface CatchUp {
  /** Reads now or, if a read is running, once more after it. Resolves after that read, and never rejects. */
  request(): Promise<void>
  /** The running reads; undefined if there is none. */
  readonly running: Promise<void> | undefined
  /** Whether a requested read has not begun yet or has failed. */
  readonly behind: boolean
}

/** Runs `read` on request, one at a time: any number of requests during a read cause one more read after it. */
export function catchUp(read: () => Promise<void>): CatchUp {
  let behind = false
  let running: Promise<void> | undefined

  async function run(): Promise<void> {
    try {
      while (behind) {
        behind = false
        await read()
      }
    } catch {
      // The caller requests again, at the latest by its timer.
      behind = true
    } finally {
      running = undefined
    }
  }

  return {
    request() {
      behind = true
      running ??= run()
      return running
    },
    get running() {
      return running
    },
    get behind() {
      return behind
    }
  }
}
