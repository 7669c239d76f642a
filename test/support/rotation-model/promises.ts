import type { Answer, History, Party } from './world.js'

/**
 * How often both parties have gone on outside the window: the count of the one who did so less. To
 * go on is to be handed a generation that one has not had. Counting starts anew when a party goes on
 * inside the window, or steals: what the window gives away is its price, not the protocol's.
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
 * The answers that handed out something for a token that no honest client holds: two generations behind, but
 * for whoever made the last rotation, in its window.
 */
export function answersToTheLongGone({ answers }: History): readonly Answer[] {
  return answers.filter(
    ({ handed, behind, hasKey, inWindow }) => handed !== null && behind > 1 && !(behind === 2 && hasKey && inWindow)
  )
}

/** The answers that handed out a token of a session that had ended. */
export function answersAfterEnd({ answers }: History): readonly Answer[] {
  return answers.filter(({ handed, afterEnd }) => handed !== null && afterEnd)
}

/**
 * The answers of an open window that nothing may have opened: more than the grace after the generation was
 * made, and after it was first handed out again past that.
 */
export function answersOfHeldWindow({ answers }: History, graceSeconds: number): readonly Answer[] {
  let opened = Number.NEGATIVE_INFINITY
  let reopened = false
  return answers.filter(({ at, verdict, handed, inWindow }) => {
    if (verdict === 'rotate' || verdict === 'restore') {
      opened = at
      reopened = false
    }
    if (!reopened && (verdict === 'recover' || (verdict === 'replay' && !inWindow))) {
      opened = at
      reopened = true
    }
    return verdict !== 'stolen' && handed !== null && inWindow && at - opened >= graceSeconds
  })
}
