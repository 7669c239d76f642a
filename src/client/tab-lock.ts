import type { Locks, Runtime, WebStorage } from './runtime.js'

/** Runs actions one after the other, across this page and, where possible, the browser's other tabs. */
export type RunExclusively = <T>(action: () => Promise<T>) => Promise<T>

/** Longer than a refresh may take. A tab that holds the lock longer hangs, and refreshing twice is safe. */
const maxTurn = 15_000

/** Uses Web Locks; without them a lease in localStorage; without that, a queue within the page. */
export function tabLock(name: string, runtime: Runtime): RunExclusively {
  const { locks, localStorage } = runtime.browser ?? {}
  const acrossTabs: RunExclusively = locks
    ? byLock(locks, name, runtime)
    : localStorage
      ? byLease(localStorage, name, runtime)
      : (action) => action()
  let last: Promise<unknown> = Promise.resolve()
  return (action) => {
    const turn = last.then(() => acrossTabs(action))
    last = turn.catch(() => {})
    return turn
  }
}

function byLock(locks: Locks, name: string, { schedule }: Runtime): RunExclusively {
  return async (action) => {
    const waiting = new AbortController()
    const cancelTimeout = schedule(() => waiting.abort(), maxTurn)
    let hasStarted = false
    const start = () => {
      hasStarted = true
      cancelTimeout()
      return action()
    }
    try {
      return await locks.request(name, { signal: waiting.signal }, start)
    } catch (error) {
      if (hasStarted) throw error
      cancelTimeout()
      return action()
    }
  }
}

/** The lease holds its expiry time and its owner. The lease of a tab that crashes expires. */
function byLease(storage: WebStorage, name: string, { now, random, schedule }: Runtime): RunExclusively {
  const owner = ` ${random()}`
  const isMine = () => storage.getItem(name)?.endsWith(owner)
  const pause = () => new Promise<void>((resolve) => schedule(resolve, 20 + random() * 40))

  async function take(): Promise<void> {
    const deadline = now() + maxTurn
    while (!isMine() && now() < deadline) {
      const isFree = now() >= Number.parseInt(storage.getItem(name) ?? '0', 10)
      if (isFree) storage.setItem(name, `${now() + maxTurn}${owner}`)
      // If two tabs took the lease at once, the later write wins.
      await pause()
    }
  }

  return async (action) => {
    // If nothing can be stored, each tab goes on without the lease.
    await take().catch(() => {})
    try {
      return await action()
    } finally {
      if (isMine()) storage.removeItem(name)
    }
  }
}
