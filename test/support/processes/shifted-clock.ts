/** Loaded first in a service process: shifts both clocks, `Date` and `performance`, by `CLOCK_SHIFT_SECONDS`. */
const shift = Number(process.env.CLOCK_SHIFT_SECONDS) * 1000
const RealDate = Date
const now = performance.now.bind(performance)

class ShiftedDate extends RealDate {
  constructor(...parts: readonly unknown[]) {
    super(...((parts.length === 0 ? [RealDate.now() + shift] : parts) as [number]))
  }
  static override now(): number {
    return RealDate.now() + shift
  }
}

globalThis.Date = ShiftedDate as DateConstructor
performance.now = () => now() + shift
