import { attempt, type Locks, localStorageOf, pause, type Runtime, type WebStorage } from './runtime.js'

/** Runs actions one after the other, across this page and, where possible, the browser's other tabs. */
export type RunExclusively = <T>(action: () => Promise<T>) => Promise<T>

/** How long a tab waits for its turn. No action takes as long, so after this time the tab with the turn must hang. */
const maxWait = 40_000

/** The lease of a tab that crashes or closes ends after this time. Hidden tabs can extend theirs once a second. */
const leaseTime = 5000

/** Uses Web Locks; without them a lease in localStorage; without that, a queue within the page. */
export function tabLock(name: string, runtime: Runtime): RunExclusively {
  const locks = attempt(() => runtime.browser?.navigator?.locks)
  const storage = localStorageOf(runtime.browser)
  const acrossTabs: RunExclusively = locks
    ? byLock(locks, name, runtime)
    : storage
      ? byLease(storage, name, runtime)
      : (action) => action()
  let last: Promise<unknown> = Promise.resolve()
  return (action) => {
    const turn = last.then(() => acrossTabs(action))
    last = turn.catch(() => {})
    return turn
  }
}

function byLock(locks: Locks, name: string, { schedule }: Runtime): RunExclusively {
  return async <T>(action: () => Promise<T>) => {
    const waiting = new AbortController()
    const stopWaiting = schedule(() => waiting.abort(), maxWait)
    let result: Promise<T> | undefined
    try {
      await locks.request(name, { signal: waiting.signal }, () => {
        stopWaiting()
        result = action()
        return result
      })
    } catch {
      // Either the action failed, and `result` rejects too, or the lock failed: then the tab goes on without it.
    }
    stopWaiting()
    return result ?? action()
  }
}

/** The lease is the time of its end, with a random fraction that tells it from others. Its owner extends it. */
function byLease(storage: WebStorage, name: string, runtime: Runtime): RunExclusively {
  const { now, random, schedule } = runtime
  let mine: string | undefined
  const isMine = () => storage.getItem(name) === mine
  const write = () => {
    mine = `${now() + leaseTime + random()}`
    storage.setItem(name, mine)
  }

  async function take(): Promise<void> {
    const deadline = now() + maxWait
    while (!isMine() && now() < deadline) {
      const left = Number(storage.getItem(name)) - now()
      // A lease that is over, damaged, or too long because somebody changed the clock.
      if (!(left > 0 && left <= maxWait)) {
        write()
        // The storage does not keep what it is given.
        if (!isMine()) return
      }
      // If two tabs took the lease at once, the later write wins.
      await pause(runtime, 20 + random() * 40)
    }
  }

  return async (action) => {
    let stop = () => {}
    const extend = () =>
      attempt(() => {
        if (!isMine()) return
        write()
        stop = schedule(extend, leaseTime / 5)
      })
    // If nothing can be stored, each tab goes on without the lease.
    await take().catch(() => {})
    extend()
    try {
      return await action()
    } finally {
      stop()
      attempt(() => isMine() && storage.removeItem(name))
    }
  }
}
