import type { Locks, Surroundings, WebStorage } from './surroundings.js'

/** Runs actions one after the other: those of this page, and of the browser's other tabs as far as it can. */
export type OneAtATime = <T>(action: () => Promise<T>) => Promise<T>

/** Longer than a refresh may take; whoever has the turn for longer hangs, and the service is safe to ask twice. */
const longestTurn = 15_000

/** By Web Locks; where they are missing by a lease in localStorage; where that is missing too, only within the page. */
export function oneAtATime(name: string, surroundings: Surroundings): OneAtATime {
  const { locks, localStorage } = surroundings.browser ?? {}
  const amongTabs: OneAtATime = locks
    ? byLock(locks, name, surroundings)
    : localStorage
      ? byLease(localStorage, name, surroundings)
      : (action) => action()
  let last: Promise<unknown> = Promise.resolve()
  return (action) => {
    const turn = last.then(() => amongTabs(action))
    last = turn.catch(() => {})
    return turn
  }
}

function byLock(locks: Locks, name: string, { schedule }: Surroundings): OneAtATime {
  return async (action) => {
    const waiting = new AbortController()
    const calledOff = schedule(() => waiting.abort(), longestTurn)
    let begun = false
    const begin = () => {
      begun = true
      calledOff()
      return action()
    }
    try {
      return await locks.request(name, { signal: waiting.signal }, begin)
    } catch (error) {
      if (begun) throw error
      calledOff()
      return action()
    }
  }
}

/** The lease is the time until which it lasts, and who has it. A tab that dies leaves it to run out. */
function byLease(storage: WebStorage, name: string, { now, random, schedule }: Surroundings): OneAtATime {
  const mine = ` ${random()}`
  const isMine = () => storage.getItem(name)?.endsWith(mine)
  const pause = () => new Promise<void>((resolve) => schedule(resolve, 20 + random() * 40))

  async function take(): Promise<void> {
    const patientUntil = now() + longestTurn
    while (!isMine() && now() < patientUntil) {
      const isFree = now() >= Number.parseInt(storage.getItem(name) ?? '0', 10)
      if (isFree) storage.setItem(name, `${now() + longestTurn}${mine}`)
      // Of two that took it at once, the later one has it.
      await pause()
    }
  }

  return async (action) => {
    // Where nothing can be stored, each tab goes on alone.
    await take().catch(() => {})
    try {
      return await action()
    } finally {
      if (isMine()) storage.removeItem(name)
    }
  }
}
