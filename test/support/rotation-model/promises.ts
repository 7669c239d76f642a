import type { Answer, History, Party } from './world.js'

/**
 * How often both parties continued outside the window: the smaller of the two counts. A party continues when it receives a
 * generation that it has not had. The count restarts when a party continues inside the window, or steals: what the window
 * allows is the price of the window.
 */
export function refreshesOfBoth({ answers }: History): number {
  let both = 0
  let used: Record<Party, number> = { honest: 0, thief: 0 }
  const newest: Record<Party, number> = { honest: 0, thief: -1 }
  for (const { party, handed, inWindow } of answers) {
    if (handed === null || handed <= newest[party]) continue
    newest[party] = handed
    used = inWindow ? { honest: 0, thief: 0 } : { ...used, [party]: used[party] + 1 }
    both = Math.max(both, Math.min(used.honest, used.thief))
  }
  return both
}

/**
 * The answers that returned a token for one that no honest client holds: two generations behind, except for the client
 * that made the last rotation, within its window.
 */
export function answersToOldTokens({ answers }: History): readonly Answer[] {
  return answers.filter(
    ({ handed, behind, hasKey, inWindow }) => handed !== null && behind > 1 && !(behind === 2 && hasKey && inWindow)
  )
}

/** The answers in which the thief received a newer token inside the window, without the key of the newest one. */
export function newerTokensInsideWindow({ answers }: History): readonly Answer[] {
  let newest = -1
  return answers.filter(({ party, verdict, handed, behind, hasKey, inWindow }) => {
    if (party !== 'thief' || handed === null || handed <= newest) return false
    newest = handed
    return verdict !== 'stolen' && inWindow && behind > 0 && !hasKey
  })
}

/** The answers that returned a token of a session that had ended. */
export function answersAfterEnd({ answers }: History): readonly Answer[] {
  return answers.filter(({ handed, afterEnd }) => handed !== null && afterEnd)
}

/**
 * The answers of a window that should be closed: the grace has passed since the generation was made, and since it was first
 * returned again after that.
 */
export function answersOfOverlongWindow({ answers }: History, graceSeconds: number): readonly Answer[] {
  let opened = Number.NEGATIVE_INFINITY
  let reopened = false
  return answers.filter(({ at, verdict, handed, inWindow }) => {
    if (verdict === 'rotate' || verdict === 'restore') {
      opened = at
      reopened = false
    }
    if (!reopened && (verdict === 'recover' || verdict === 'renew')) {
      opened = at
      reopened = true
    }
    return verdict !== 'stolen' && handed !== null && inWindow && at - opened >= graceSeconds
  })
}
