import { type Revocation, refusalBy, strongerRevocation } from '../../core/revocation.js'
import type { Revocations } from '../../ports/revocations.js'
import type { Clock } from '../../ports/runtime.js'

export interface RevocationSet extends Revocations {
  /** How many entries are held. */
  readonly size: number
}

/** Per announcement, so that no single one pays for a long quiet time at once. */
const sweepAtLeast = 100

/**
 * The live revocations in this process's memory, filled by `load` at the start. Holds at most one
 * entry for each session that can still have an unexpired access token, and one for everybody.
 */
export async function revocationSet(
  load: () => Promise<readonly Revocation[]>,
  clock: Pick<Clock, 'now'>
): Promise<RevocationSet> {
  // In the order of their arrival, which is nearly that of their ends. The key null is everybody's.
  const entries = new Map<string | null, Revocation>()

  const add = (revocation: Revocation): void => {
    const known = entries.get(revocation.sid)
    entries.delete(revocation.sid)
    entries.set(revocation.sid, known === undefined ? revocation : strongerRevocation(known, revocation))
  }

  const sweep = (most: number): void => {
    const now = clock.now()
    let left = most
    for (const [sid, { expiresAt }] of entries) {
      if (expiresAt > now || left === 0) return
      entries.delete(sid)
      left -= 1
    }
  }

  for (const revocation of await load()) add(revocation)

  return {
    get size() {
      return entries.size
    },

    refuses(token) {
      const everybodys = entries.get(null)
      const refusal = everybodys && refusalBy(everybodys, token)
      if (refusal !== undefined) return refusal
      const own = entries.get(token.sid)
      return own && refusalBy(own, token)
    },

    issuableFrom(sid) {
      const own = entries.get(sid)
      return Math.max(
        afterSecondOf(entries.get(null)),
        afterSecondOf(own?.reason === 'roles_changed' ? own : undefined)
      )
    },

    async announce(revocations) {
      for (const revocation of revocations) add(revocation)
      sweep(sweepAtLeast + 2 * revocations.length)
    }
  }
}

/** A token's `iat` has whole seconds, so one issued in the entry's own second looks as if it came before it. */
function afterSecondOf(revocation: Revocation | undefined): number {
  return revocation === undefined ? 0 : (Math.floor(revocation.at / 1000) + 1) * 1000
}
