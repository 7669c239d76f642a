/** Calls that wait for a turn of the event loop. */
export interface InTurns<Key> {
  /** How many calls wait. */
  readonly size: number
  /** Calls `run`, which must not throw, in a later turn. */
  add(key: Key, run: () => void): void
  /** Takes a call back. */
  delete(key: Key): void
  /** Resolves when no call waits. */
  settled(): Promise<void>
}

/** Makes at most `perTurn` calls in a turn of the event loop, so that others are served in between. */
export function inTurns<Key>(perTurn: number, nextTurn: (run: () => void) => void): InTurns<Key> {
  const waiting = new Map<Key, () => void>()
  let isScheduled = false
  let toResolve: (() => void)[] = []

  function schedule(): void {
    isScheduled = true
    nextTurn(callSome)
  }

  function callSome(): void {
    let left = perTurn
    for (const [key, run] of waiting) {
      if (left === 0) {
        schedule()
        return
      }
      left -= 1
      waiting.delete(key)
      run()
    }
    isScheduled = false
    for (const resolve of toResolve) resolve()
    toResolve = []
  }

  return {
    get size() {
      return waiting.size
    },
    add(key, run) {
      waiting.set(key, run)
      if (!isScheduled) schedule()
    },
    delete: (key) => void waiting.delete(key),
    settled: () => (isScheduled ? new Promise((resolve) => toResolve.push(resolve)) : Promise.resolve())
  }
}
