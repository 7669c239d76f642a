import type { SearchSetting } from './setting.js'
import { idle, maxRounds, numbering, type State, scaleOf } from './state.js'
import { type Step, stepsOf } from './steps.js'

/** What happened, step by step. */
export type Story = readonly string[]

export interface SearchResult {
  /** How many different states were visited: all that can be reached, unless a sign-out or `maxRounds` was found. */
  readonly states: number
  /** The shortest story in which the session ends and nobody has stolen anything; undefined if there is none. */
  readonly signOut: Story | undefined
  /** The shortest story in which the thief receives a newer token for an older one inside the window. */
  readonly newerInsideWindow: Story | undefined
  /** How often at most the client was sent a newer token after the thief had received one, up to `maxRounds`. */
  readonly rounds: number
  /** The shortest story in which that happens without an event since the theft. */
  readonly untraced: Story | undefined
}

/** Visits every state that can be reached, those after the fewest steps first. */
export function search(setting: SearchSetting): SearchResult {
  const scale = scaleOf(setting)
  const steps = stepsOf(setting, scale)
  const number = numbering(scale, ['none', 'one', 'one-may-be-lost'].includes(setting.keys))

  const start: State = {
    age: scale.graceSteps,
    rowKey: 'none',
    keyUsed: false,
    recovered: scale.maxRecovered,
    lost: scale.maxRecovered,
    jar: 0,
    tabs: [idle, idle],
    double: null,
    theft: null
  }
  const seen = new Set([number(start)])
  /** How each state was first reached: after which state, by which of its steps. The states themselves are not kept. */
  const reached: { readonly from: number; readonly by: number }[] = [{ from: -1, by: -1 }]

  /** Plays the steps to a state again, and one more. */
  const story = (index: number, last: Step): Story => {
    const path: number[] = []
    for (let at = reached[index]; at !== undefined && at.from >= 0; at = reached[at.from]) path.unshift(at.by)
    let state: State | null = start
    const told = path.map((by) => {
      const step: Step | undefined = state === null ? undefined : steps(state)[by]
      state = step?.next ?? null
      return step?.what() ?? ''
    })
    return [...told, last.what()]
  }

  let signOut: Story | undefined
  let newerInsideWindow: Story | undefined
  let untraced: Story | undefined
  let rounds = 0
  /** Notes what a step shows. Returns the state after it if it is new. */
  const visit = (from: State, index: number, by: number, step: Step): State | undefined => {
    const { next } = step
    if (next === null) {
      if (from.theft === null) signOut ??= story(index, step)
      return undefined
    }
    if (step.newerInsideWindow === true) newerInsideWindow ??= story(index, step)
    const id = number(next)
    if (seen.has(id)) return undefined
    seen.add(id)
    reached.push({ from: index, by })
    if (next.theft !== null && next.theft.rounds > 0) {
      if (!next.theft.traced) untraced ??= story(index, step)
      rounds = Math.max(rounds, next.theft.rounds)
    }
    return next
  }
  const isDone = () => (setting.thief === undefined ? signOut !== undefined : rounds === maxRounds)
  let frontier: readonly State[] = [start]
  for (let index = 0; frontier.length > 0; ) {
    const found: State[] = []
    for (const state of frontier) {
      if (isDone()) break
      for (const [by, step] of steps(state).entries()) {
        const next = visit(state, index, by, step)
        if (next !== undefined) found.push(next)
      }
      index += 1
    }
    frontier = isDone() ? [] : found
  }
  return { states: reached.length, signOut, newerInsideWindow, rounds, untraced }
}
