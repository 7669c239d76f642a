import type { MinuteCounts } from '../../ports/metrics.js'
import type { Clock } from '../../ports/runtime.js'

type Counts = Omit<MinuteCounts, 'at'>

export interface LastHour {
  count(what: keyof Counts, times?: number): void
  read(): readonly MinuteCounts[]
}

const minuteMilliseconds = 60_000
const keptMinutes = 60
const nothing: Counts = { logins: 0, refreshes: 0, revocations: 0, reuse: 0 }

/** Counts by the minute and keeps an hour of it, so that it shows what is going on and never grows. */
export function lastHour(clock: Pick<Clock, 'now'>): LastHour {
  const minutes = new Map<number, Counts>()
  const thisMinute = () => Math.floor(clock.now() / minuteMilliseconds)

  return {
    count(what, times = 1) {
      const minute = thisMinute()
      const counts = minutes.get(minute) ?? nothing
      minutes.set(minute, { ...counts, [what]: counts[what] + times })
      for (const old of minutes.keys()) if (old <= minute - keptMinutes) minutes.delete(old)
    },
    read() {
      const first = thisMinute() - keptMinutes + 1
      return Array.from({ length: keptMinutes }, (_, index) => {
        const minute = first + index
        return { at: minute * minuteMilliseconds, ...(minutes.get(minute) ?? nothing) }
      })
    }
  }
}
