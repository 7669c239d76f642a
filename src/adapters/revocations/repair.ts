import type { Revocation } from '../../core/revocation-set.js'
import type { RevocationLog } from '../../ports/revocations.js'
import type { Clock } from '../../ports/runtime.js'
import { type CatchUp, catchUp } from '../notices/catch-up.js'
import { contentOf } from './log-reader.js'

export interface RepairOptions {
  readonly log: Pick<RevocationLog, 'restore' | 'endSessionsUntil'>
  readonly clock: Pick<Clock, 'now'>
  /** Called with the entries that this process has written again. */
  onRestored(revocations: readonly Revocation[]): Promise<void>
}

export interface Repair extends Pick<CatchUp, 'behind' | 'running'> {
  /** Begins to write these entries again. */
  begin(lost: readonly Revocation[]): void
  /** Tries again after a failure. */
  retry(): void
}

/** Writes entries again that the log has lost, and ends their sessions again. What fails waits for `retry`. */
export function repair({ log, clock, onRestored }: RepairOptions): Repair {
  const waiting = new Map<string, Revocation>()
  /** Restored entries for the sessions of everybody, whose sessions have not ended yet. */
  const ofEverybody = new Set<Revocation>()

  const repairing = catchUp(async () => {
    for (const [content, { expiresAt }] of waiting) if (expiresAt <= clock.now()) waiting.delete(content)
    const lost = [...waiting]
    if (lost.length > 0) {
      const restored = await log.restore(lost.map(([, revocation]) => revocation))
      for (const [content] of lost) waiting.delete(content)
      for (const revocation of restored) if (revocation.sid === null) ofEverybody.add(revocation)
      if (restored.length > 0) await onRestored(restored)
    }
    for (const revocation of ofEverybody) {
      await log.endSessionsUntil(revocation)
      ofEverybody.delete(revocation)
    }
  })

  return {
    begin(lost) {
      for (const revocation of lost) waiting.set(contentOf(revocation), revocation)
      void repairing.request()
    },
    retry: () => void repairing.request(),
    get behind() {
      return repairing.behind
    },
    get running() {
      return repairing.running
    }
  }
}
